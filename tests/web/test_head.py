"""What is taken for plain, and what is left to h11."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.web.head import ended, parse_head, wants_websocket


def head(*lines: str, first: str = "GET /live/a HTTP/1.1") -> bytes:
    return "".join(f"{line}\r\n" for line in (first, *lines, "")).encode("latin-1")


def test_a_players_request_is_plain() -> None:
    lines = ("Host: tv.example", "Range:  bytes=0-9 ", "Accept:")
    found = parse_head(head(*lines, first="GET /a%20b?c HTTP/1.1"))
    assert found is not None
    assert (found.method, found.path, found.close) == ("GET", "/a b", False)
    assert dict(found.headers) == {"host": "tv.example", "range": "bytes=0-9", "accept": ""}


@pytest.mark.parametrize(
    ("lines", "first", "close"),
    [
        (["Host: a"], "GET / HTTP/1.1", False),
        (["Host: a", "Connection: keep-alive"], "GET / HTTP/1.1", False),
        (["Host: a", "Connection: keep-alive, Close"], "GET / HTTP/1.1", True),
        ([], "GET / HTTP/1.0", True),
        (["Connection: keep-alive"], "GET / HTTP/1.0", True),
    ],
)
def test_who_is_done_afterwards_is_known(lines: list[str], first: str, close: bool) -> None:
    found = parse_head(head(*lines, first=first))
    assert found is not None
    assert found.close is close


@pytest.mark.parametrize(
    "odd",
    [
        head(),
        head("Host: a", "Host: b"),
        head("Host: a", "Connection: close", "Connection: keep-alive"),
        head("Host: a", "Content-Length: 0"),
        head("Host: a", "content-length: 5"),
        head("Host: a", "Transfer-Encoding: chunked"),
        head("Host: a", "Expect: 100-continue"),
        head("Host: a", " folded"),
        head("Host: a", "X : y"),
        head("Host: a", "nothing"),
        head("Host: a", ": y"),
        head("Host: a", "X\xe9: y"),
        head("Host: a", "X: \x00"),
        head("Host: a", "X: a\rb"),
        head("Host: a", "X: a\nContent-Length: 5"),
        head("Host: a", first="get / HTTP/1.1"),
        head("Host: a", first="GET  / HTTP/1.1"),
        head("Host: a", first="GET http://a/ HTTP/1.1"),
        head("Host: a", first="OPTIONS * HTTP/1.1"),
        head("Host: a", first="GET /\xe9 HTTP/1.1"),
        head("Host: a", first="GET / HTTP/1.2"),
        head("Host: a", first="GET / HTTP/2.0"),
        head("Host: a", first="GET /"),
        b"\r\n" + head("Host: a"),
        b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_what_is_not_plain_is_left_to_h11(odd: bytes) -> None:
    assert parse_head(odd) is None


PIECES = st.sampled_from(
    ["GET", "HEAD", " ", "/live/a", "/", "%2e", "HTTP/1.1", "HTTP/1.0", "\r\n", "\n", "\r", "Host: a",
     "host:b", "Content-Length: 3",
     "Transfer-Encoding: chunked", "X: y", "X", ":", "\t", "\x00", "\xff", "abc",
     "Connection: close", "\r\n\r\n"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=16))
def test_what_is_plain_to_us_ends_and_reads_the_same_to_h11(pieces: list[str]) -> None:
    """Two parsers that disagree are how one request is smuggled in another."""
    data = ("GET /live/a HTTP/1.1\r\nHost: a\r\n" + "".join(pieces) + "\r\n\r\n").encode("latin-1")
    whole = data[: data.find(b"\r\n\r\n") + 4]
    found = parse_head(whole)
    if found is None:
        return
    judge = h11.Connection(h11.SERVER)
    judge.receive_data(whole)
    event = judge.next_event()
    assert isinstance(event, h11.Request)
    assert judge.next_event() == h11.EndOfMessage()
    assert judge.trailing_data == (b"", False)
    assert event.method.decode() == found.method
    assert {name.decode(): value.decode("latin-1") for name, value in event.headers} == dict(found.headers)


def test_a_websocket_is_asked_for_with_two_fields() -> None:
    asked = parse_head(head("Host: a", "Upgrade: WebSocket", "Connection: keep-alive, Upgrade"))
    assert asked is not None
    assert wants_websocket(asked)
    for lines in (["Upgrade: websocket"], ["Connection: Upgrade"], ["Upgrade: h2c", "Connection: Upgrade"]):
        other = parse_head(head("Host: a", *lines))
        assert other is not None
        assert not wants_websocket(other)


def test_h11_sees_an_end_where_lines_end_with_lf_alone() -> None:
    assert ended(b"GET / HTTP/1.1\nHost: a\n\n")
    assert ended(b"GET / HTTP/1.1\r\nHost: a\n\r\n")
    assert not ended(b"GET / HTTP/1.1\r\nHost: a\r\n")
