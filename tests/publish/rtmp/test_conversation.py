"""What a publisher is answered, message by message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.publish import RefusedError, amf
from seeder.publish.flv.tags import Tag, written
from seeder.publish.rtmp import chunks, conversation
from seeder.publish.rtmp.chunks import ChunkReader, ChunkWriter, Message
from seeder.publish.rtmp.conversation import Conversation, Event, Farewell
from seeder.publish.rtmp.handshake import SIZE
from seeder.publish.rtmp.wish import Wish

HELLO = b"\x03" + bytes(2 * SIZE)
"""C0, C1 and C2."""


class Client:
    """A publisher that reads what it is answered."""

    def __init__(self) -> None:
        self.server = Conversation(bytes)
        self._writer, self._reader = ChunkWriter(), ChunkReader()
        self.server.feed(HELLO)
        assert self.server.outbox() == b"\x03" + bytes(2 * SIZE)

    def send(self, kind: int, body: bytes, *, stream: int = 0, time: int = 0) -> list[Event]:
        self.server.feed(self._writer.write(3, Message(kind, time, body, stream)))
        found = []
        while (event := self.server.next()) is not None:
            found.append(event)
        return found

    def call(self, *values: object, stream: int = 0) -> list[Event]:
        return self.send(chunks.COMMAND, amf.encode(*values), stream=stream)

    def heard(self) -> list[Message]:
        self._reader.feed(self.server.outbox())
        found = []
        while (message := self._reader.next()) is not None:
            found.append(message)
        return found

    def answers(self) -> list[list[Any]]:
        """The commands among them."""
        return [amf.decode(message.body) for message in self.heard() if message.kind == chunks.COMMAND]

    def publish(self, name: str = "KEY") -> list[Event]:
        self.call("connect", 1, {"app": "live", "tcUrl": "rtmp://127.0.0.1/live", "flashVer": "FMLE/3.0"})
        self.call("releaseStream", 2, None, name)
        self.call("FCPublish", 3, None, name)
        self.call("createStream", 4, None)
        self.heard()
        return self.call("publish", 5, None, name, "live", stream=1)


def codes(answers: list[list[Any]]) -> list[str]:
    return [answer[3]["code"] for answer in answers if answer[0] == "onStatus"]


def test_the_handshake_may_come_byte_by_byte() -> None:
    server = Conversation(bytes)
    answers = []
    for byte in HELLO:
        server.feed(bytes((byte,)))
        answers.append(server.outbox())
    assert b"".join(answers) == b"\x03" + bytes(2 * SIZE)
    assert answers[SIZE] != b""  # S0, S1 and S2 as soon as C1 is there
    assert server.next() is None


def test_connect_is_answered_as_encoders_expect() -> None:
    client = Client()
    client.call("connect", 1, {"app": "live", "objectEncoding": 3.0})
    heard = client.heard()
    assert [message.kind for message in heard] == [chunks.WINDOW, chunks.BANDWIDTH, chunks.COMMAND]
    name, number, _, info = amf.decode(heard[-1].body)
    assert (name, number) == ("_result", 1)
    assert isinstance(info, dict)
    assert info["code"] == "NetConnection.Connect.Success"
    assert info["objectEncoding"] == 0
    client.call("createStream", 4, None)
    assert client.answers() == [["_result", 4, None, 1]]


def test_a_publisher_says_its_key_is_accepted_and_sends_media() -> None:
    client = Client()
    assert client.publish("KEY?x=y") == [Wish("KEY")]
    assert client.answers() == []
    client.server.accept()
    assert codes(client.answers()) == ["NetStream.Publish.Start"]
    assert client.send(chunks.VIDEO, b"video", time=40) == [Tag(9, 40, b"video")]
    assert client.send(chunks.AUDIO, b"audio", time=45) == [Tag(8, 45, b"audio")]
    assert client.send(chunks.DATA3, b"\x00meta") == [Tag(18, 0, b"meta")]


def test_nothing_behind_the_wish_is_read_before_it_is_granted() -> None:
    client = Client()
    wire = ChunkWriter()
    client.call("connect", 1, {"app": "live"})
    client.server.feed(wire.write(4, Message(chunks.COMMAND, 0, amf.encode("publish", 5, None, "KEY"), 1)))
    client.server.feed(wire.write(6, Message(chunks.VIDEO, 0, b"x" * 200, 1)))
    assert client.server.next() == Wish("KEY")
    assert client.server.next() is None
    client.server.accept()
    assert client.server.next() == Tag(9, 0, b"x" * 200)


def test_a_refusal_is_one_status_with_the_reason() -> None:
    for status, code in (
        (401, "Denied"),
        (403, "Denied"),
        (415, "Denied"),
        (409, "BadName"),
        (503, "BadName"),
    ):
        client = Client()
        client.publish()
        client.server.refuse(RefusedError("no such key", status))
        (answer,) = client.answers()
        assert answer[3] == {
            "level": "error",
            "code": f"NetStream.Publish.{code}",
            "description": "no such key",
        }


def test_who_wants_to_play_is_turned_away() -> None:
    client = Client()
    client.call("connect", 1, {"app": "live"})
    client.call("createStream", 2, None)
    client.heard()
    with pytest.raises(RefusedError) as refused:
        client.call("play", 3, None, "garden", stream=1)
    client.server.refuse(refused.value)
    assert codes(client.answers()) == ["NetStream.Play.StreamNotFound"]


@pytest.mark.parametrize("command", ["FCUnpublish", "deleteStream", "closeStream"])
def test_a_publisher_that_says_farewell_has_ended(command: str) -> None:
    client = Client()
    client.publish()
    client.server.accept()
    (event,) = client.call(command, 6, None, "KEY")
    assert isinstance(event, Farewell)


def test_an_aggregate_is_its_tags_at_the_times_of_the_message() -> None:
    client = Client()
    client.publish()
    client.server.accept()
    body = written(Tag(8, 500, b"aa")) + written(Tag(9, 520, b"vv"))
    assert client.send(chunks.AGGREGATE, body, time=9000) == [Tag(8, 9000, b"aa"), Tag(9, 9020, b"vv")]


def test_pings_are_answered_and_bytes_acknowledged() -> None:
    client = Client()
    client.send(chunks.USER_CONTROL, b"\x00\x06\x00\x00\x30\x39")
    assert [(message.kind, message.body) for message in client.heard()] == [
        (chunks.USER_CONTROL, b"\x00\x07\x00\x00\x30\x39")
    ]
    client.send(chunks.WINDOW, (100_000).to_bytes(4, "big"))
    client.publish()
    client.server.accept()
    client.heard()
    client.send(chunks.VIDEO, bytes(99_000), stream=1)
    (acknowledged,) = [message for message in client.heard() if message.kind == chunks.ACKNOWLEDGEMENT]
    assert 100_000 <= int.from_bytes(acknowledged.body, "big") < 110_000
    client.send(chunks.VIDEO, bytes(90_000), stream=1)
    assert client.heard() == []


def test_who_has_not_said_a_key_gets_no_room() -> None:
    client = Client()
    with pytest.raises(RefusedError, match="longer than"):
        client.send(chunks.DATA, bytes(conversation.MOST_BEFORE + 1))
    client = Client()
    for _ in range(conversation.MOST_MESSAGES_BEFORE):
        client.send(chunks.USER_CONTROL, b"\x00\x03" + bytes(8))
    with pytest.raises(RefusedError, match="too many"):
        client.send(chunks.USER_CONTROL, b"\x00\x03" + bytes(8))
    client = Client()
    with pytest.raises(RefusedError, match="before it was published"):
        client.send(chunks.VIDEO, b"x")


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"\x06" + bytes(SIZE), b"\x16\x03\x01"])
def test_what_is_no_rtmp_is_refused_at_its_first_byte(data: bytes) -> None:
    with pytest.raises(RefusedError):
        Conversation().feed(data)


@given(st.binary(max_size=3000))
def test_garbage_behind_the_handshake_is_refused_or_waited_on(data: bytes) -> None:
    server = Conversation(bytes)
    try:
        server.feed(HELLO + data)
        while (event := server.next()) is not None and not isinstance(event, Wish):
            pass
    except RefusedError:
        return


@given(st.lists(st.binary(max_size=40).map(lambda data: amf.encode("connect", 1) + data), max_size=4))
def test_commands_gone_wrong_are_refused_or_answered(bodies: list[bytes]) -> None:
    client = Client()
    try:
        for body in bodies:
            client.send(chunks.COMMAND, body)
    except RefusedError:
        return
