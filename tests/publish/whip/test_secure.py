"""Who is let speak: STUN's password, the certificate that the offer names."""

from __future__ import annotations

import hmac
import struct
import zlib
from hashlib import sha1

import pytest

from seeder.publish.whip import stun
from seeder.publish.whip.secure import Identity, Secure, UnprovenError, identity

OURS, THEIRS = identity(), identity()
PASSWORD = "p" * 32


def fingerprint(one: Identity) -> tuple[tuple[str, str], ...]:
    return (("sha-256", one.fingerprint.replace(":", "").lower()),)


def met(server: Secure, client: Secure) -> None:
    """Their handshake, over a link that loses nothing."""
    out = client.receive(None)
    for _ in range(20):
        back = [answer for data in out for answer in server.receive(data)]
        out = [answer for data in back for answer in client.receive(data)]
        if not out:
            return
    pytest.fail("no end of it")


def test_two_who_name_each_others_certificates_share_keys_and_hear_the_end() -> None:
    server = Secure(OURS, fingerprint(THEIRS), client=False)
    client = Secure(THEIRS, fingerprint(OURS), client=True)
    met(server, client)
    assert server.ready
    assert client.ready
    report = struct.pack("!BBHL", 0x80, 201, 1, 7)
    sealed = client.sealed(report)
    assert sealed != report
    assert server.control(sealed) == report
    assert server.control(bytes((*sealed[:-1], sealed[-1] ^ 1))) is None
    for size in (2, 12, 40, 1500, 3000, 65000):
        assert server.media(b"\x80\x60" + bytes(size)) is None
        assert server.control(b"\x80\xc8" + bytes(size)) is None
    for data in server.close():
        client.receive(data)
    assert client.closed


def test_a_certificate_that_the_offer_did_not_name_is_refused() -> None:
    stranger = identity()
    server = Secure(OURS, fingerprint(THEIRS), client=False)
    with pytest.raises(UnprovenError, match="certificate"):
        met(server, Secure(stranger, fingerprint(OURS), client=True))
    assert not server.ready
    both = (*fingerprint(THEIRS), ("sha-384", "ab" * 48))
    with pytest.raises(UnprovenError, match="certificate"):  # every one that is named must fit
        met(Secure(OURS, both, client=False), Secure(THEIRS, fingerprint(OURS), client=True))


def test_garbage_instead_of_a_handshake_is_survived() -> None:
    server = Secure(OURS, fingerprint(THEIRS), client=False)
    for data in (b"\x16", b"\x16\xfe\xff" + bytes(10), b"\x17" + bytes(200), bytes(1400)):
        server.receive(data)
    met(server, Secure(THEIRS, fingerprint(OURS), client=True))
    assert server.ready


def asked(username: str, password: str) -> bytes:
    """As an ICE agent asks, nominating."""
    body = struct.pack("!HH", 6, len(username)) + username.encode() + bytes(-len(username) % 4)
    body += struct.pack("!HH", 0x25, 0)
    head = struct.pack("!HHL", 1, len(body) + 24, stun.COOKIE) + b"transaction!"
    return head + body + struct.pack("!HH", 8, 20) + hmac.digest(password.encode(), head + body, sha1)


def test_a_binding_request_is_answered_to_who_knows_the_password() -> None:
    request = stun.parse(asked("ours:theirs", PASSWORD))
    assert request is not None
    assert (request.username, request.nominates) == ("ours:theirs", True)
    assert stun.proven(request, PASSWORD)
    assert not stun.proven(request, "q" * 32)
    answer = stun.answer(request, PASSWORD, ("192.0.2.7", 4711))
    assert answer[:2] == b"\x01\x01"
    assert answer[8:20] == b"transaction!"
    port, address = struct.unpack_from("!HL", answer, 26)
    assert port ^ (stun.COOKIE >> 16) == 4711
    assert address ^ stun.COOKIE == int.from_bytes(bytes((192, 0, 2, 7)), "big")
    assert struct.unpack("!L", answer[-4:])[0] == zlib.crc32(answer[:-8]) ^ 0x5354554E
    assert len(stun.answer(request, PASSWORD, ("2001:db8::1", 4711))) == len(answer) + 12


def test_what_is_no_binding_request_is_none() -> None:
    good = asked("ours:theirs", PASSWORD)
    for bad in (b"", good[:20], good[:-1], b"\x01\x01" + good[2:], good[:4] + bytes(4) + good[8:]):
        assert stun.parse(bad) is None
    without = stun.parse(struct.pack("!HHL", 1, 0, stun.COOKIE) + b"transaction!")
    assert without is not None
    assert not stun.proven(without, PASSWORD)
