"""The error tree.

    LiveTorrentError            anything we raise on purpose; ``str()`` is one line a stranger can act on
    ├── ConfigError             a flag, key or environment variable that cannot be used
    ├── FeedError               the feed folder cannot be used
    ├── PlaylistError           text that is not a playlist (``line`` says where)
    ├── IngestError             ffmpeg or the input cannot be used
    ├── ServeError              a port, certificate or other server resource cannot be used
    ├── FetchError              what others serve could not be fetched
    ├── MetainfoError           bytes that are not a torrent of ours
    └── WireError               a tracker message that breaks the protocol (``reason`` goes to the sender)

The command line turns each into one line on stderr and the class's ``exit_code``.
"""

from urllib.parse import urlsplit, urlunsplit


class LiveTorrentError(Exception):
    """Base of everything raised on purpose."""

    exit_code = 1


class ConfigError(LiveTorrentError):
    """A flag, key or environment variable that cannot be used."""

    exit_code = 2


class FeedError(LiveTorrentError):
    """The feed folder does not exist, is not readable or not writable."""

    exit_code = 3


class PlaylistError(LiveTorrentError):
    """Text that is not a playlist; ``line`` counts from 1, 0 when the whole text is meant."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line


class IngestError(LiveTorrentError):
    """ffmpeg is missing or too old, or the input is unreadable."""

    exit_code = 4


class ServeError(LiveTorrentError):
    """A port in use, an unreadable certificate."""

    exit_code = 5


class FetchError(LiveTorrentError):
    """A URL could not be fetched; ``status`` is HTTP's, 0 without an answer; ``private``: we did not ask, for
    it is in a private network. Tells no secrets of it."""

    exit_code = 4

    def __init__(self, reason: str, url: str, status: int = 0, *, private: bool = False) -> None:
        parts = urlsplit(url)
        # Queries hold tokens, and the user part passwords.
        shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        super().__init__(f"{shown}: {reason}")
        self.reason = reason
        self.status = status
        self.private = private


class MetainfoError(LiveTorrentError):
    """Bytes that are not a torrent of ours."""


class WireError(LiveTorrentError):
    """A tracker message that breaks the protocol; ``reason`` is safe to send to its author."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def cause(error: BaseException) -> BaseException:
    """The error to name out of (nested) exception groups: one of ours first, for those say what to do."""
    leaves = _leaves(error)
    return next((leaf for leaf in leaves if isinstance(leaf, LiveTorrentError)), leaves[0])


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
