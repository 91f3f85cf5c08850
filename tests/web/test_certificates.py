"""Certificates made on the spot, and those that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from seeder.errors import ServeError
from seeder.web import ServerConfig, fingerprint, self_signed, serve
from tests.web.serving import hello


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
