"""Where a stream is sent, and who speaks with that server. Pure.

RTMP's application and stream key are said by us (:mod:`seeder.onward.rtmp`), so no process list has them.
RTSP and SRT are ffmpeg's, which takes an output's address among its arguments and nowhere else (a preset file
is read and then not heeded, ffmpeg 9): what may be secret in one is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from seeder.errors import ConfigError
from seeder.ingest.sources import mask

_HARMLESS = re.compile(r"(?:(?:latency|pkt_size)=\d+|mode=caller|&)*")
PORTS = {"rtmp": 1935, "rtmps": 443}


@dataclass(frozen=True, slots=True)
class Rtmp:
    host: str
    port: int
    tls: bool
    app: str = field(repr=False)
    key: str = field(repr=False)
    """The stream's name there, with what follows it."""
    url: str = field(repr=False)
    """Of the application."""


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    """For people and metrics: protocol, host and port."""
    rtmp: Rtmp | None = None
    arguments: tuple[str, ...] = ()
    """Else ffmpeg's."""

    def clean(self, line: str) -> str:
        """A complaint, fit to be shown."""
        secrets = () if self.rtmp is None else (self.rtmp.key, self.rtmp.key.partition("?")[0], self.rtmp.app)
        for secret in secrets:
            line = line.replace(secret, "***")
        return mask(" ".join(line.split()))[:300]


def server(url: str) -> Server:
    """Raises :class:`ConfigError`, without a word of what may be secret."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not re.fullmatch(r"[A-Za-z0-9._:-]+", host):
        raise ConfigError("push: the address names no server")
    at = f"[{host}]" if ":" in host else host
    name = f"{parts.scheme}://{at}" + (f":{port}" if port else "")
    if parts.scheme in PORTS:
        app, _, key = parts.path.strip("/").rpartition("/")
        if parts.username is not None:
            raise ConfigError(f"push: {name}: a user's name and password are not spoken here")
        if not app or not key:
            raise ConfigError(f"push: {name}: an application and a stream key are needed, as in /live/KEY")
        key = f"{key}?{parts.query}" if parts.query else key
        tls = parts.scheme == "rtmps"
        return Server(name, Rtmp(host, port or PORTS[parts.scheme], tls, app, key, f"{name}/{app}"))
    shown = parts._replace(query="").geturl() if _HARMLESS.fullmatch(parts.query) else url
    if mask(shown) != shown:
        raise ConfigError(
            f"push: {name}: other users of this machine would see what is in this address: "
            "ffmpeg hides it for RTMP alone"
        )
    if parts.scheme == "srt":
        if port is None:
            raise ConfigError(f"push: {name}: SRT needs a port")
        return Server(name, arguments=("-f", "mpegts", url))
    return Server(name, arguments=("-f", "rtsp", "-rtsp_transport", "tcp", url))
