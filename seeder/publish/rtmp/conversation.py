"""What a publisher is answered (RTMP 1.0 §7). Pure: bytes in, events out, bytes to send in an outbox.

    connect → createStream → publish     a Wish; then accept() or refuse(), and nothing is read before that
    audio, video, data                   a Tag each
    FCUnpublish, deleteStream, …         Farewell

Only as much is understood as publishers need; who wants to play is turned away.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable

from seeder.publish import amf
from seeder.publish.amf import Value
from seeder.publish.claim import RefusedError
from seeder.publish.flv.tags import Tag, unpacked
from seeder.publish.rtmp import chunks
from seeder.publish.rtmp.chunks import ChunkReader, ChunkWriter, Message
from seeder.publish.rtmp.handshake import Handshake
from seeder.publish.rtmp.wish import Wish, wish

ACKNOWLEDGED = 2_500_000
"""Bytes after which either side tells that it has them (§5.4.4), until the other one wants another number."""
LEAST_WINDOW = 65_536
"""A window of one byte would have us answer every byte with sixteen."""
MOST_BEFORE = 64 * 1024
"""Bytes of a message of somebody who has not said the key."""
MOST_MESSAGES_BEFORE = 64
"""… and how many. Encoders send a dozen."""
MOST_COMMAND = 64 * 1024
_CONTROL, _COMMANDS, _STREAM = 2, 3, 5
"""Chunk streams; §6.1.1 reserves the first, everybody uses the others."""
_PING, _PONG, _STREAM_BEGIN = 6, 7, 0


class Farewell:
    """The publisher stops; one that is lost says nothing."""


Event = Wish | Tag | Farewell


class Conversation:
    """With one client. :meth:`feed`, then :meth:`next` until it gives nothing; send what :meth:`outbox` holds
    after either. Errors are :class:`RefusedError`, after which nothing can be read any more."""

    def __init__(self, dice: Callable[[int], bytes] = os.urandom) -> None:
        self._handshake: Handshake | None = Handshake(dice)
        self._reader = ChunkReader()
        self._reader.limit = MOST_BEFORE
        self._writer = ChunkWriter()
        self._out: list[bytes] = []
        self._app: str | None = None
        self._streams = 0  # created
        self._stream = 0  # the one that is published
        self._plays = False
        self._asked = False
        self._accepted = False
        self._messages = 0
        self._received = 0
        self._acknowledged = 0
        self._window = ACKNOWLEDGED
        self._tags: deque[Tag] = deque()  # of an aggregate message

    def outbox(self) -> bytes:
        """What is to be sent; it is gone from here."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def feed(self, data: bytes) -> None:
        self._received += len(data)
        if self._handshake is None:
            self._reader.feed(data)
        else:
            answer, rest = self._handshake.feed(data)
            self._out.append(answer)
            if rest is not None:
                self._handshake = None
                self._reader.feed(rest)
        if self._handshake is None and self._received - self._acknowledged >= self._window:
            self._acknowledged = self._received
            self._control(chunks.ACKNOWLEDGEMENT, (self._received % (1 << 32)).to_bytes(4, "big"))

    def next(self) -> Event | None:
        """The next thing that happened; None: more bytes are needed."""
        while not self._tags:
            if self._asked and not self._accepted:
                return None
            if (message := self._reader.next()) is None:
                return None
            if not self._accepted:
                self._messages += 1
                if self._messages > MOST_MESSAGES_BEFORE:
                    raise RefusedError("too many messages before anything is published", 400)
            if (event := self._understood(message)) is not None:
                return event
        return self._tags.popleft()

    # --- answers ---------------------------------------------------------------------------------

    def accept(self) -> None:
        """The wish is granted: media may come."""
        self._accepted = True
        self._reader.limit = chunks.MOST_BODY
        self._control(chunks.USER_CONTROL, _STREAM_BEGIN.to_bytes(2, "big") + self._stream.to_bytes(4, "big"))
        self._status("status", "NetStream.Publish.Start", "publishing")

    def refuse(self, error: RefusedError) -> None:
        """The wish is not granted, or not any longer."""
        if self._app is None:
            return  # it has not said anything that could be answered
        # OBS takes Denied for "the key is wrong", and does not try again.
        code = "Publish.BadName" if error.status in (408, 409, 503) else "Publish.Denied"
        self._status("error", f"NetStream.{'Play.StreamNotFound' if self._plays else code}", str(error))

    def end(self) -> None:
        """What was published has ended."""
        self._status("status", "NetStream.Unpublish.Success", "ended")

    def _status(self, level: str, code: str, description: str) -> None:
        self._command(
            "onStatus",
            0,
            None,
            {"level": level, "code": code, "description": description},
            stream=self._stream,
        )

    def _command(self, name: str, transaction: float, *values: object, stream: int = 0) -> None:
        body = amf.encode(name, transaction, *values)
        number = _STREAM if stream else _COMMANDS
        self._out.append(self._writer.write(number, Message(chunks.COMMAND, 0, body, stream)))

    def _control(self, kind: int, body: bytes) -> None:
        self._out.append(self._writer.write(_CONTROL, Message(kind, 0, body)))

    # --- messages --------------------------------------------------------------------------------

    def _understood(self, message: Message) -> Event | None:
        match message.kind:
            case chunks.COMMAND | chunks.COMMAND3:
                return self._commanded(message)
            case chunks.AUDIO | chunks.VIDEO:
                self._media(Tag(message.kind, message.timestamp, message.body))
            case chunks.DATA | chunks.DATA3:
                # AMF3's begin with a byte that says that AMF0 follows.
                body = message.body if message.kind == chunks.DATA else message.body[1:]
                self._media(Tag(chunks.DATA, message.timestamp, body))
            case chunks.AGGREGATE:
                tags = list(unpacked(message.body))
                for tag in tags:  # their times count from the first one's
                    time = message.timestamp + tag.timestamp - tags[0].timestamp
                    self._media(tag._replace(timestamp=time % (1 << 32)))
            case chunks.USER_CONTROL if message.body[:2] == _PING.to_bytes(2, "big"):
                self._control(chunks.USER_CONTROL, _PONG.to_bytes(2, "big") + message.body[2:6])
            case chunks.WINDOW if len(message.body) >= 4:
                self._window = max(int.from_bytes(message.body[:4], "big"), LEAST_WINDOW)
        return None

    def _media(self, tag: Tag) -> None:
        if not self._accepted:
            raise RefusedError("media before it was published", 400)
        self._tags.append(tag)

    def _commanded(self, message: Message) -> Event | None:
        body = message.body if message.kind == chunks.COMMAND else message.body[1:]
        if len(body) > MOST_COMMAND:
            raise RefusedError("a command is too long", 413)
        try:
            name, number, *values = amf.decode(body)
        except (amf.AmfError, ValueError) as error:
            raise RefusedError("a command that cannot be read", 400) from error
        if not isinstance(name, str) or not isinstance(number, float):
            raise RefusedError("a command without a name or number", 400)
        match name:
            case "connect":
                self._connect(number, values[0] if values else None)
            case "createStream":
                self._streams += 1
                self._command("_result", number, None, self._streams)
            case "publish":
                return self._publish(message.stream, values)
            case "play" | "play2":
                self._stream, self._plays = message.stream, True
                raise RefusedError("streams are not played over RTMP here", 403)
            case "releaseStream" | "FCPublish" | "_checkbw":
                self._command("_result", number, None, None)
            case "FCUnpublish" | "deleteStream" | "closeStream" if self._accepted:
                return Farewell()
            case _:
                pass  # an answer, or something that encoders do not wait for
        return None

    def _connect(self, number: float, wanted: Value) -> None:
        app = wanted.get("app", "") if isinstance(wanted, dict) else ""
        if self._app is not None or not isinstance(app, str):
            raise RefusedError("a connect command that cannot be used", 400)
        self._app = app
        window = ACKNOWLEDGED.to_bytes(4, "big")
        self._control(chunks.WINDOW, window)
        self._control(chunks.BANDWIDTH, window + b"\x02")  # dynamic
        self._command(
            "_result",
            number,
            {"fmsVer": "FMS/3,0,1,123", "capabilities": 31, "fourCcList": ["*"]},
            {
                "level": "status",
                "code": "NetConnection.Connect.Success",
                "description": "connected",
                "objectEncoding": 0,
            },
        )

    def _publish(self, stream: int, values: list[Value]) -> Event:
        name = values[1] if len(values) > 1 else None
        if self._app is None or not isinstance(name, str):
            raise RefusedError("a publish command that cannot be used", 400)
        if self._asked:
            raise RefusedError("one connection publishes one stream", 400)
        self._asked, self._stream = True, stream
        return wish(self._app, name)
