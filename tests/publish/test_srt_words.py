"""SRT's handshakes, stream ids and key material, without a network."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from hypothesis import given
from hypothesis import strategies as some

from seeder.publish import RefusedError
from seeder.publish.srt import handshake, passphrase, streamid

# What libsrt 1.5.4 sent with streamid=#!::r=x,s=key1 and a passphrase, its time and socket made round.
NAMED = (b"#!::", b"r=x,", b"s=ke", b"y1\0\0")


def conclusion(rest: bytes) -> handshake.Handshake:
    made = handshake.Handshake(0, 9, 5, 7, 1, 1500, 8192, handshake.CONCLUSION, 77, 0xABCD, bytes(16), rest)
    read = handshake.read(handshake.written(made))
    assert read == made
    return read


def test_a_stream_id_is_read_out_of_a_conclusion_with_other_extensions() -> None:
    name = b"".join(word[::-1] for word in NAMED)
    rest = b"\0\1\0\3" + bytes(12) + b"\0\5\0\4" + name
    assert conclusion(rest).stream_id == "#!::r=x,s=key1"
    assert conclusion(rest).failure is None
    assert conclusion(b"\0\5\0\7" + name).stream_id == "", "its length goes beyond the packet"


@given(some.binary(max_size=200))
def test_garbage_is_no_handshake_and_never_an_error(data: bytes) -> None:
    for packet in (data, b"\x80\0\0\0" + data):
        shake = handshake.read(packet)
        if shake is not None:
            assert isinstance(shake.stream_id, str)
            passphrase.opens("lt_secret4711", shake.extension(3) or b"")


def test_a_cookie_is_another_one_for_every_address_and_minute_and_secret() -> None:
    made = {
        handshake.made_cookie(secret, host, port, minute)
        for secret in (b"a", b"b")
        for host in ("192.0.2.1", "192.0.2.2")
        for port in (1, 2)
        for minute in (7, 8)
    }
    assert len(made) == 16


@pytest.mark.parametrize(
    ("text", "stream", "key"),
    [
        ("lt_abc", None, "lt_abc"),
        ("#!::r=garden,s=lt_abc,m=publish,u=me", "garden", "lt_abc"),
        ("#!::s=lt_abc", None, "lt_abc"),
        ("publish:garden:lt_abc", "garden", "lt_abc"),
        ("publish/garden/lt_abc", "garden", "lt_abc"),
        ("publish:garden", "garden", ""),
        ("", None, ""),
    ],
)
def test_a_stream_id_says_a_key_and_perhaps_a_stream(text: str, stream: str | None, key: str) -> None:
    wanted = streamid.read(text)
    assert (wanted.stream, wanted.key) == (stream, key)
    assert "lt_abc" not in repr(wanted)


@pytest.mark.parametrize("text", ["#!::r=garden,m=request", "read:garden:lt_abc"])
def test_who_wants_to_watch_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as refused:
        streamid.read(text)
    assert refused.value.status == 405


@pytest.mark.parametrize("length", [16, 24, 32])
def test_the_key_material_shows_who_knows_the_passphrase(length: int) -> None:
    import hashlib

    salt = os.urandom(16)
    wrapping = hashlib.pbkdf2_hmac("sha1", b"lt_secret4711", salt[8:], 2048, length)
    head = b"\x12\x20\x29\x01" + bytes(4) + b"\x02\x00\x02\x00\x00\x00\x04" + bytes([length // 4])
    material = head + salt + aes_key_wrap(wrapping, os.urandom(length))
    assert passphrase.opens("lt_secret4711", material)
    assert not passphrase.opens("lt_secret4712", material)
    assert not passphrase.opens("lt_secret4711", material[:-1])
    assert not passphrase.opens("lt_secret4711", b"")
