"""What INPUT means: our test picture, a file, a URL, a capture device or standard input. Pure.

A URL's credentials are masked wherever we print it. Nor do they stand in ffmpeg's argument list, which other
users of the machine can read: an address with credentials goes to ffmpeg's standard input, as a script of its
concat demuxer (https://ffmpeg.org/ffmpeg-formats.html#concat). That demuxer passes on a jump of the input's
clock as it comes, where ffmpeg otherwise evens it out: forwards it is a discontinuity, backwards ffmpeg ends
and is started again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from seeder.errors import IngestError

# ffmpeg's capture formats, for INPUT as FORMAT:TARGET; none of them is a URL scheme.
CAPTURE_FORMATS = {
    "alsa", "avfoundation", "decklink", "dshow", "fbdev", "gdigrab", "jack", "kmsgrab",
    "lavfi", "openal", "oss", "pulse", "sndio", "v4l2", "x11grab", "xcbgrab",
}  # fmt: skip

# What a script's address may lead to, playlists and redirects of a stranger's server included: no files.
NETWORK = (
    "crypto,data,ftp,gopher,gophers,hls,http,httpproxy,https,icecast,ipfs_gateway,ipns_gateway,"
    "mmsh,mmst,pipe,rist,rtmp,rtmpe,rtmps,rtmpt,rtmpte,rtmpts,ffrtmpcrypt,ffrtmphttp,rtp,sctp,sftp,smb,srt,srtp,"
    "tcp,tls,udp,udplite,unix,amqp,zmq"
)  # fmt: skip


class SourceKind(StrEnum):
    PICTURE = "test picture"
    FILE = "file"
    URL = "URL"
    DEVICE = "device"
    STDIN = "standard input"
    PUBLISHED = "publisher"


@dataclass(frozen=True, slots=True)
class Source:
    """One input."""

    kind: SourceKind
    target: str
    """What follows ``-i``; empty for the test picture, whose graph is drawn anew for each run. A publisher's
    is its name for people: the media comes through standard input."""
    format: str = ""
    """What ``-f`` needs, else empty."""
    options: tuple[str, ...] = ()
    """Further input options."""
    varies: int | None = None
    """The picture's size and frame rate may change at any time, as WebRTC's do: it is encoded at one size, at
    least so many lines high as long as that is allowed."""
    analysis: float | None = None
    """Seconds of media after which ffmpeg knows what there is; None for as many as it likes, which in formats
    that may bring another stream at any time, as MPEG-TS and FLV, is always five."""

    called: str = ""
    """For people, where what follows ``-i`` is not."""

    @property
    def name(self) -> str:
        """For people: without credentials."""
        if self.called:
            return self.called
        if self.kind is SourceKind.FILE:
            return path_of(self)
        if self.kind is SourceKind.PUBLISHED:
            return self.target
        return mask(self.target) if self.target else self.kind.value

    @property
    def listens(self) -> bool:
        """It waits for somebody to publish, which may take for ever."""
        return self.kind is SourceKind.URL and bool(
            re.search(r"[?&](mode=listener|listen=?[12]?)(&|$)", self.target)
        )

    @property
    def can_be_opened_twice(self) -> bool:
        """Probing opens it once before the run does; a publisher's connection or a pipe would be used up."""
        return self.kind in (SourceKind.FILE, SourceKind.URL, SourceKind.PUBLISHED) and not self.listens

    @property
    def copying(self) -> tuple[str, ...]:
        """Output options where its video is copied.

        RTP gives no decoding times, and ffmpeg knows them only once it has seen some frames. Where there are
        B frames, the first ones have none or wrong ones, on which its MP4 muxer aborts: it begins with the
        first key frame that has. Without B frames, that is the very first."""
        rtp = self.format == "sdp" or re.match(r"rtsps?:", self.target, re.IGNORECASE)
        return ("-copypriorss:v", "0") if rtp else ()

    @property
    def secret(self) -> bool:
        """Its address holds credentials, or what may be some."""
        return self.kind is SourceKind.URL and mask(self.target) != self.target

    @property
    def script(self) -> bytes:
        """What ffmpeg's standard input gets; empty when the address stands among the arguments."""
        if not self.secret:
            return b""
        options = self._all_options
        pairs = zip(options[::2], options[1::2], strict=True)
        lines = ["ffconcat version 1.0", f"file {_quoted(self.target)}"]
        lines += [f"option {name.removeprefix('-')} {_quoted(value)}" for name, value in pairs]
        return ("\n".join(lines) + "\n").encode()

    @property
    def arguments(self) -> tuple[str, ...]:
        """ffmpeg's, which name the input."""
        if self.secret:
            return (
                "-f", "concat", "-safe", "0", "-auto_convert", "0", "-segment_time_metadata", "1",
                "-protocol_whitelist", NETWORK, *self._analysis, "-i", "pipe:0",
            )  # fmt: skip
        address = "pipe:0" if self.kind is SourceKind.PUBLISHED else self.target
        return (*(("-f", self.format) if self.format else ()), *self._all_options, "-i", address)

    @property
    def _all_options(self) -> tuple[str, ...]:
        return (*self.options, *self._analysis)

    @property
    def _analysis(self) -> tuple[str, ...]:
        return () if self.analysis is None else ("-analyzeduration", f"{self.analysis * 1e6:.0f}")


def classify(given: str | None, cwd: PurePosixPath) -> Source:
    """``given`` as on the command line, None for the test picture; ``cwd`` is what relative paths start from.

    Raises :class:`IngestError` for what cannot be an input.
    """
    if given is None:
        return Source(SourceKind.PICTURE, "")
    if not given or "\0" in given:
        raise IngestError("the input is empty: give a file, a URL or a capture device")
    if given in ("-", "pipe:", "pipe:0"):
        return Source(SourceKind.STDIN, "pipe:0")
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", given)
    if scheme and scheme[1].lower() in CAPTURE_FORMATS:
        target = given[scheme.end() :]
        if not target:
            raise IngestError(f"{given} names no device: write {scheme[1]}:DEVICE")
        return Source(SourceKind.DEVICE, target, scheme[1].lower())
    if scheme and scheme[1].lower() == "file":
        given = re.sub(r"^file:(//(localhost)?(?=/))?", "", given, flags=re.IGNORECASE)
    elif "://" in given and scheme:
        if re.search(
            r"[\s\x00-\x1f\x7f'\"]", given
        ):  # where an address ends in ffmpeg's words could not be told
            raise IngestError("the address holds a space, a quote or a control character: write it as %XX")
        # UDP loses packets of key frames, which shows as a broken picture for a whole GOP: only where a
        # server has nothing else (VLC).
        options = ("-rtsp_flags", "prefer_tcp") if scheme[1].lower() in ("rtsp", "rtsps") else ()
        return Source(SourceKind.URL, given, options=options)
    path = cwd / given
    if re.fullmatch(r"/dev/video\d+", str(path)):
        return Source(SourceKind.DEVICE, str(path), "v4l2")
    # With the scheme, a path that starts with a dash or holds a colon is still a path.
    return Source(SourceKind.FILE, f"file:{path}")


def published(name: str, format: str, options: tuple[str, ...] = (), varies: int | None = None) -> Source:
    """Media that a publisher sends us, as ffmpeg's ``format``."""
    return Source(SourceKind.PUBLISHED, name, format, options, varies)


def path_of(source: Source) -> str:
    """The path of a file source."""
    return source.target.removeprefix("file:")


def _quoted(text: str) -> str:
    """As the concat demuxer reads a word (https://ffmpeg.org/ffmpeg-utils.html#quoting_005fand_005fescaping)."""
    return "'" + text.replace("'", r"'\''") + "'"


def mask(text: str) -> str:
    """``text`` with the credentials of every URL in it replaced by ``***``: user information, query values,
    fragments, and the last path component of an RTMP address, which is its stream key."""
    # Up to the last @: a password typed with a slash in it is no valid URL, and printed in the error.
    text = re.sub(r"(?<=://)[^\s'\"]*@", "***@", text)
    text = re.sub(
        r"(\brtmp[a-z]*://[^\s'\"?#]*/)[^\s'\"/?#]+?(?=:?(?:[\s'\"?#]|$))",
        r"\1***",
        text,
        flags=re.IGNORECASE,
    )
    return re.sub(r"(?<=://)[^\s'\"]+", lambda url: _without_values(url[0]), text)


def _without_values(url: str) -> str:
    return re.sub(r"#.+", "#***", re.sub(r"([?&][^=&]+)=[^&]*", r"\1=***", url))
