"""Certificates: those the operator gives, or one made on the spot for trying HTTPS out."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seeder.errors import ServeError

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

VALIDITY = timedelta(days=365)
"""Chromium refuses more than 398 days even from a certificate one chose to trust."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files on disk."""

    cert: Path
    """The chain, the server's own certificate first."""
    key: Path
    self_signed: bool = False


def tls_context(certificate: Certificate) -> ssl.SSLContext:
    """A server context with HTTP/2 through ALPN; ServeError when the files cannot be used."""
    for name, path in (("certificate", certificate.cert), ("key", certificate.key)):
        try:
            path.open("rb").close()
        except OSError as error:
            raise ServeError(f"cannot read TLS {name} {path}: {error.strerror or error}") from None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 9113 §9.2
    context.set_alpn_protocols(["h2", "http/1.1"])
    try:
        context.load_cert_chain(certificate.cert, certificate.key, _no_password)
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).replace("_", " ").lower()
        raise ServeError(
            f"TLS certificate {certificate.cert} and key {certificate.key} cannot be used: {reason}"
        ) from None
    except OSError as error:
        raise ServeError(f"cannot read TLS certificate {certificate.cert}: {error}") from None
    return context


class Renewable:
    """A server context whose certificate can be exchanged: handshakes from then on show the new one, and
    connections that are open do not notice."""

    def __init__(self, certificate: Certificate) -> None:
        """ServeError as of :func:`tls_context`."""
        self._mark = _mark(certificate)
        self.context = tls_context(certificate)
        self._newest = self.context

    def read(self, certificate: Certificate) -> tuple[str, ssl.SSLContext] | None:
        """For :meth:`renew`; ``None``: it is the one that is shown already. Blocking; ServeError."""
        made, mark = tls_context(certificate), _mark(certificate)
        return None if mark == self._mark else (mark, made)

    def renew(self, found: tuple[str, ssl.SSLContext]) -> None:
        self._mark, self._newest = found
        # Not load_cert_chain: a key of another kind would stand beside the old one, and clients choose.
        self.context.sni_callback = self._show

    def _show(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        connection.context = self._newest


def _mark(certificate: Certificate) -> str:
    """Of what is in the files."""
    found = hashlib.sha256()
    for path in (certificate.cert, certificate.key):
        try:
            data = path.read_bytes()
        except OSError:
            data = b""
        found.update(hashlib.sha256(data).digest())
    return found.hexdigest()


def _no_password() -> bytes:
    """Instead of OpenSSL's question on the terminal, for which a service would wait for ever."""
    return b""


def fingerprint(cert: Path) -> str:
    """SHA-256 of the first certificate, as browsers show it: ``AB:CD:…``."""
    pem = cert.read_text("ascii")
    first = pem[pem.index("-----BEGIN") : pem.index("-----END")] + "-----END CERTIFICATE-----\n"
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest().upper()
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def self_signed(folder: Path, host: str, now: datetime | None = None) -> Certificate:
    """A certificate for ``host`` and this machine's names, kept in ``folder`` so that a browser that once
    accepted it need not be asked at every start. Made anew when it is about to expire or names others."""
    certificate = Certificate(folder / "self-signed.crt", folder / "self-signed.key", self_signed=True)
    now = now or datetime.now(UTC)
    names = sorted({"localhost", "127.0.0.1", "::1", socket.gethostname(), host} - {"", "0.0.0.0", "::"})
    if not _usable(certificate, names, now):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _make(certificate, names, now)
        except OSError as error:
            raise ServeError(f"cannot write a certificate to {folder}: {error.strerror or error}") from None
    return certificate


def _usable(certificate: Certificate, names: list[str], now: datetime) -> bool:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(certificate.cert.read_bytes())
        certificate.key.open("rb").close()
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    held = sorted(str(name.value) for name in extension.value)
    return held == names and found.not_valid_before_utc <= now < found.not_valid_after_utc - VALIDITY / 12


def _make(certificate: Certificate, names: list[str], now: datetime) -> None:
    # Imported here: it takes 50 ms, and nobody else needs it.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "live-torrent (self-signed)")])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks of phones differ
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    certificate.key.unlink(missing_ok=True)  # an old file would keep its permissions
    with open(os.open(certificate.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    certificate.cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _general_name(name: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
