"""Certificates made on the spot, and those that cannot be used."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from seeder.errors import ServeError
from seeder.web import Certificate, Renewable, ServerConfig, fingerprint, self_signed, serve
from tests.web.serving import PATIENCE, hello


def test_a_self_signed_certificate_is_kept_until_it_no_longer_fits(tmp_path: Path) -> None:
    first = fingerprint(self_signed(tmp_path, "127.0.0.1").cert)
    assert len(first) == 32 * 3 - 1
    assert fingerprint(self_signed(tmp_path, "127.0.0.1").cert) == first
    assert (tmp_path / "self-signed.key").stat().st_mode & 0o777 == 0o600
    other = fingerprint(self_signed(tmp_path, "tv.example").cert)
    assert other != first
    (tmp_path / "self-signed.crt").write_text("nonsense")
    assert fingerprint(self_signed(tmp_path, "tv.example").cert) not in (first, other)


@pytest.mark.parametrize("damage", ["no cert", "no key", "nonsense", "another key", "a folder"])
async def test_a_certificate_that_cannot_be_used_is_one_clear_line(tmp_path: Path, damage: str) -> None:
    made = self_signed(tmp_path / "a", "127.0.0.1")
    match damage:
        case "no cert":
            made.cert.unlink()
        case "no key":
            made.key.unlink()
        case "nonsense":
            made.cert.write_text("nonsense")
        case "another key":
            made.key.write_bytes(self_signed(tmp_path / "b", "127.0.0.1").key.read_bytes())
        case "a folder":
            made.cert.unlink()
            made.cert.mkdir()
    with pytest.raises(ServeError, match=r"self-signed\.(crt|key)") as caught:
        async with serve(hello, ServerConfig(port=0, certificate=made)):
            pass
    assert "\n" not in str(caught.value)


def rsa_signed(folder: Path) -> Certificate:
    """With a key of another kind than our own have."""
    folder.mkdir()
    key, now = rsa.generate_private_key(65537, 2048), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    kind, encoding = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    (folder / "key.pem").write_bytes(key.private_bytes(encoding, kind, serialization.NoEncryption()))
    (folder / "cert.pem").write_bytes(made.public_bytes(encoding))
    return Certificate(folder / "cert.pem", folder / "key.pem")


async def test_a_renewed_certificate_is_shown_from_then_on_and_open_connections_stay(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path / "a", "127.0.0.1")
    tls = Renewable(certificate)
    assert tls.read(certificate) is None, "nothing is new"
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    trusting.set_alpn_protocols(["h2", "http/1.1"])

    async def connected(port: int, name: str | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=name or "")

    def shown(writer: asyncio.StreamWriter) -> str:
        tls = writer.get_extra_info("ssl_object")
        assert tls.selected_alpn_protocol() == "h2"
        der = tls.getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(der).fingerprint(hashes.SHA256()).hex(":").upper()

    async with serve(hello, ServerConfig(port=0, tls=tls.context, grace=0.2)) as bound:
        assert bound.scheme == "https"
        plain = ssl.create_default_context()
        plain.check_hostname, plain.verify_mode = False, ssl.CERT_NONE
        old_reader, old = await asyncio.open_connection("127.0.0.1", bound.port, ssl=plain)
        _, before = await connected(bound.port, "localhost")
        assert shown(before) == fingerprint(certificate.cert)

        other = rsa_signed(tmp_path / "b")
        for new in (other, self_signed(tmp_path / "c", "127.0.0.1"), other):
            found = tls.read(new)
            assert found is not None
            tls.renew(found)
            assert tls.read(new) is None
            for name in ("localhost", None):  # with SNI, and without
                _, after = await connected(bound.port, name)
                assert shown(after) == fingerprint(new.cert)
                after.close()

        async with asyncio.timeout(PATIENCE):
            old.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"200" in await old_reader.readline()
        (tmp_path / "b" / "cert.pem").write_text("nonsense")
        with pytest.raises(ServeError):
            tls.read(other)
        for writer in (old, before):
            writer.close()
