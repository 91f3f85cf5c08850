"""Who gets credentials for TURN servers, and what they are."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from seeder.errors import ConfigError
from seeder.tracker.turn import LIFETIME, SLOT, Turn, read_secret
from seeder.tracker.wire import Announce, AnnounceReply, Counts, Event, IceServer, Pace, decode, encode
from tests.tracker.playbook import MOVIE, Playbook, announce, peer, refusal, reply

URLS = ("turn:turn.example.org:3478?transport=udp", "turns:turn.example.org")
SECRET = b"north wind"


def lent(now: float, peer_id: bytes = peer("alice"), secret: bytes = SECRET) -> IceServer:
    return Turn(URLS, secret, lambda: now)(peer_id)


def password(username: str, secret: bytes = SECRET) -> str:
    """As RFC 2104 says, from SHA-1 alone."""
    key = secret.ljust(64, b"\0")
    inner = hashlib.sha1(bytes(b ^ 0x36 for b in key) + username.encode()).digest()
    return base64.b64encode(hashlib.sha1(bytes(b ^ 0x5C for b in key) + inner).digest()).decode()


def test_the_password_is_the_user_names_hmac_under_the_secret() -> None:
    server = lent(1_700_000_000)
    assert server.urls == URLS
    assert server.credential == password(server.username)
    assert lent(1_700_000_000, secret=b"south wind").credential != server.credential


def test_credentials_end_after_their_lifetime_and_are_others_every_few_minutes() -> None:
    for now in (1_700_000_000, 1_700_000_399.9, 1_700_000_400):
        ends = int(lent(now).username.partition(":")[0])
        assert LIFETIME <= ends - now <= LIFETIME + SLOT
    assert lent(0) == lent(SLOT - 1)
    assert lent(0) != lent(SLOT)


def test_viewers_have_names_of_their_own() -> None:
    assert lent(0).username != lent(0, b"x" * 20).username


def test_who_asks_gets_them_and_who_does_not_hears_nothing_new() -> None:
    play = Playbook(lend=Turn(URLS, SECRET, lambda: 0))
    play.says("alice", announce(ice=True)).hears("alice", reply(incomplete=1, ice=lent(0)))
    play.says("bob", announce()).hears("bob", reply(incomplete=2)).silence()


def test_without_turn_servers_nobody_gets_any() -> None:
    Playbook().says("alice", announce(ice=True)).hears("alice", reply(incomplete=1)).silence()


def test_who_takes_part_in_nothing_of_ours_gets_none() -> None:
    play = Playbook(knows=lambda infohash: False, lend=Turn(URLS, SECRET, lambda: 0))
    play.says("alice", announce(ice=True)).hears("alice", refusal("unknown info_hash")).silence()


@pytest.mark.parametrize(
    ("ice", "asks"), [(True, True), (False, False), (1, False), ("yes", False), (None, False)]
)
def test_the_question_is_a_member_of_the_announce(ice: object, asks: bool) -> None:
    body = {"action": "announce", "info_hash": "a" * 20, "peer_id": "p" * 20, "ice": ice}
    assert decode(json.dumps(body)) == Announce(b"a" * 20, b"p" * 20, Event.NONE, False, (), asks)


def test_the_answer_is_an_rtc_ice_server_as_a_browser_takes_it() -> None:
    plain = AnnounceReply(MOVIE, Counts(0, 1, 0), Pace(30, 10))
    server = IceServer(URLS, "1:a", "c")
    body = json.loads(encode(plain._replace(ice=server)))
    assert body.pop("ice") == [{"urls": list(URLS), "username": "1:a", "credential": "c"}]
    assert body == json.loads(encode(plain))


def test_the_secret_is_the_one_line_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    for text in (b"north wind", b"north wind\n", b"north wind\r\n"):
        file.write_bytes(text)
        assert read_secret(file) == SECRET


@pytest.mark.parametrize("text", [None, b"", b"\n", b"first\nsecond\n", b"x" * 5000])
def test_a_file_that_is_no_secret_is_named_and_not_quoted(tmp_path: Path, text: bytes | None) -> None:
    file = tmp_path / "secret"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(ConfigError, match="--turn-secret-file") as caught:
        read_secret(file)
    assert str(file) in str(caught.value)
    assert "second" not in str(caught.value)
