"""Which protocols publishers may come by: one listener for each that ``--publish`` names.

A new protocol takes two lines: its usual port in :data:`seeder.values.PUBLISH_PORTS`, its listener here.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from seeder import machine
from seeder.config import Config
from seeder.publish.browser import listener as browser
from seeder.publish.desk import Desk
from seeder.publish.door import Door
from seeder.publish.flv import listener as flv
from seeder.publish.mpegts import listener as mpegts
from seeder.publish.place import Place, Serve, senders
from seeder.publish.rtmp import listener as rtmp
from seeder.publish.rtsp import listener as rtsp
from seeder.publish.srt import listener as srt
from seeder.publish.whip import listener as whip

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listener:
    serve: Serve
    address: str
    """For people: what to publish to, with ``{at}`` for host and port, and where the key goes."""


LISTENERS: Mapping[str, Listener] = {
    "rtmp": Listener(rtmp.serve, "rtmp://{at}/live (and the stream key)"),
    "rtmps": Listener(rtmp.serve_tls, "rtmps://{at}/live (and the stream key)"),
    "flv": Listener(flv.serve, "tcp://{at} (FLV; the stream key in its metadata, as key)"),
    "rtsp": Listener(rtsp.serve, "rtsp://{at}/live/KEY"),
    "whip": Listener(whip.serve, "/whip/NAME of the web server (the key as bearer token; media at UDP {at})"),
    "browser": Listener(browser.serve, "/studio in a browser (or to the WebSocket /api/publish/NAME)"),
    "srt": Listener(srt.serve, "srt://{at} (the stream key as streamid)"),
    "mpegts": Listener(mpegts.serve, "udp://{at} and tcp://{at} (MPEG-TS; the stream key as service_name)"),
}
"""By protocol."""


@asynccontextmanager
async def opened(
    desk: Desk,
    config: Config,
    tls: ssl.SSLContext | None = None,
    door: Door | None = None,
    passphrase: Callable[[str], str | None] = lambda stream: None,
    known: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[tuple[str, int], ...]]:
    """Every listener that ``config.publish`` names, while the block lasts; the protocols and the ports they
    got. ``passphrase``, ``known`` (its senders; none given: those of ``config``): see :class:`Place`. Raises
    :class:`~seeder.errors.ServeError`."""
    got: list[tuple[str, int]] = []
    door = door or Door()
    outside = "" if config.public_url is None else urlsplit(config.public_url).hostname or ""
    shown = _reached(config)
    async with AsyncExitStack() as stack:
        for protocol, _, port in (wanted.partition(":") for wanted in config.publish):
            listener = LISTENERS[protocol]
            place = Place(
                config.host, int(port), tls, door, outside, config.segment_seconds, config.ffmpeg, passphrase,
                senders(config.publish_from) if known is None else known,
            )  # fmt: skip
            bound = await stack.enter_async_context(listener.serve(desk, place))
            got.append((protocol, bound))
            log.info("publish to %s", listener.address.format(at=f"{shown}:{bound}"))
        yield tuple(got)


def _reached(config: Config) -> str:
    """The host by which other machines reach us, as far as we know; IPv6 in brackets."""
    host = config.host
    if config.public_url is not None:
        host = urlsplit(config.public_url).hostname or host
    elif host in ("0.0.0.0", "::"):
        host = next(iter(machine.addresses()), host)
    return f"[{host}]" if ":" in host else host


def at_home(host: str, published: Iterable[tuple[str, int]], protocol: str) -> str | None:
    """``HOST:PORT`` by which programs on this machine reach ``protocol``'s listener; None without one."""
    port = dict(published).get(protocol)
    if port is None:
        return None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
