"""The ways by which a publisher's tracks come in, as its SETUPs chose them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from seeder.publish.rtsp.ports import receiving
from seeder.publish.rtsp.sdp import Media
from seeder.publish.rtsp.transport import Interleaved, Udp, wanted

Take = Callable[[bytes], None]


class StatusError(Exception):
    """The answer to a request that is not granted; the connection goes on."""

    def __init__(self, code: int, phrase: str) -> None:
        super().__init__(phrase)
        self.code = code
        self.phrase = phrase


class Way:
    """One track's."""

    def __init__(self) -> None:
        self.rtp: Take = lambda data: None
        self.rtcp: Take = lambda data: None


class Ways:
    """``host``: our IP address that the publisher at ``peer`` talks to; ``stack`` closes its UDP ports."""

    def __init__(self, media: Sequence[Media], host: str, peer: str, stack: AsyncExitStack) -> None:
        self.chosen: dict[int, Way] = {}
        """By number of the media."""
        self._media = media
        self._host = host
        self._peer = peer
        self._stack = stack
        self._channels: dict[int, Take] = {}

    def frame(self, channel: int, data: bytes) -> None:
        """It came between the requests."""
        take = self._channels.get(channel)
        if take is not None:
            take(data)

    async def setup(self, url: str, headers: Mapping[str, str]) -> str:
        """The answer's Transport. Raises :class:`StatusError`, and
        :class:`~seeder.publish.claim.RefusedError` when there are no more ports."""
        index = self._which(url)
        want = wanted(headers.get("transport", ""))
        if want is None:
            raise StatusError(461, "Unsupported Transport")
        way = Way()
        if isinstance(want, Interleaved):
            shown = self._interleave(way, want)
        else:
            shown = await self._open(way, want)
        self.chosen[index] = way
        return shown

    def _which(self, url: str) -> int:
        left = [index for index in range(len(self._media)) if index not in self.chosen]
        for index in left:
            control = self._media[index].control
            # An absolute one, or one that was put behind the ANNOUNCE's URL.
            if control and (url == control or url.endswith(f"/{control}")):
                return index
        for index in left:
            if self._media[index].control in ("", "*"):
                return index
        raise StatusError(404, "no such track, or set up already")

    def _interleave(self, way: Way, want: Interleaved) -> str:
        # Two channels for each of the few tracks: there is always a pair.
        free = next(number for number in range(0, 256, 2) if not {number, number + 1} & self._channels.keys())
        rtp, rtcp = want.channels or (free, free + 1)
        if {rtp, rtcp} & self._channels.keys():
            raise StatusError(400, "a channel that is taken")
        self._channels |= {rtp: lambda data: way.rtp(data), rtcp: lambda data: way.rtcp(data)}
        return f"RTP/AVP/TCP;unicast;interleaved={rtp}-{rtcp};mode=record"

    async def _open(self, way: Way, want: Udp) -> str:
        port, rtp, rtcp = await self._stack.enter_async_context(receiving(self._host, self._peer))
        rtp.take, rtcp.take = lambda data: way.rtp(data), lambda data: way.rtcp(data)
        theirs, ours = f"{want.client[0]}-{want.client[1]}", f"{port}-{port + 1}"
        return f"RTP/AVP/UDP;unicast;client_port={theirs};server_port={ours};mode=record"
