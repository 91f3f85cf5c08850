"""Validated configuration: defaults < TOML file < environment < flags.

Every setting has one name in three spellings: the key ``tls_cert`` in the file, the variable
``LIVE_TORRENT_TLS_CERT`` and the flag ``--tls-cert``; :mod:`seeder.settings` is the table of them.

:func:`merge` is pure; :func:`load` reads the file and calls it. Every error is a
:class:`~seeder.errors.ConfigError` that says where the value came from and what would be accepted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seeder.errors import ConfigError
from seeder.ladder import OFF, Ladder
from seeder.model import Terms
from seeder.settings import ENV_PREFIX, SETTINGS, Setting
from seeder.stream_config import StreamConfig, read
from seeder.values import meant

CONFIG_VARIABLE = "LIVE_TORRENT_CONFIG"
ADMIN_TOKEN_VARIABLE = "LIVE_TORRENT_ADMIN_TOKEN"  # noqa: S105
"""Holds the admin's token; no setting, for a flag would be seen in the list of processes."""

_PATHS = (
    *("feed", "tls_cert", "tls_key", "turn_secret_file", "ffmpeg"),
    *("keys", "jwt_key", "admin_token_file", "webhook_secret_file", "storage_credentials"),
)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the program can be told, checked; made by :func:`merge`."""

    host: str = "127.0.0.1"
    """Address to listen on. Closed by default: other machines get in only when told (``0.0.0.0``, ``::``)."""
    port: int = 8008
    """TCP port of the web server; 0 takes a free one."""
    feed: Path | None = None
    """The watched folder; ``None``: the command decides (``serve``: ``feed``, ``demo``: a temporary one)."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_self_signed: bool = False
    """HTTPS with a certificate made at start, for trying it out."""
    public_url: str | None = None
    """``http(s)://host[:port][/prefix]`` without a trailing slash; ``None``: addresses follow the request."""
    trust_proxy: bool = False
    """Take viewers' addresses from the last X-Forwarded-For entry; anyone can send that header, so only when
    every request passes a proxy of ours. Without it all viewers behind that proxy count as one address."""
    tracker: str | None = None
    """``ws(s)://…`` of an external tracker; ``None``: our own at ``/announce``."""
    swarm: tuple[str, ...] = ()
    """Rendezvous of streams that are not served here (baked ones), in hex, or ``any``: our tracker lets their
    viewers meet. Closed by default: a tracker for everybody is for everybody's swarms."""
    stun: tuple[str, ...] = ()
    """``stun:host[:port]`` URLs for viewers and libtorrent. None by default: no third parties."""
    turn: tuple[str, ...] = ()
    """``turn[s]:host[:port][?transport=…]`` URLs for viewers; our tracker gives them credentials."""
    turn_secret_file: Path | None = None
    """Holds what those are made with. A file, for a command line and an environment are seen by others."""
    ice_transport_policy: str = "all"
    sharing: str = "on"
    max_upload: int | None = None
    max_ratio: float | None = None
    min_viewers: int = 1
    upload_on_cellular: bool = False
    upload_when_hidden: bool = False
    log_format: str = "text"
    log_level: str = "info"
    ffmpeg: Path | None = None
    """``None``: the one in the ``imageio-ffmpeg`` wheel."""
    segment_seconds: float = 2.0
    window: int = 8
    """Segments listed in a live playlist."""
    ladder: Ladder = OFF
    """Variants of what is encoded here; off: one."""
    encoder: str = "libx264"
    """What pictures are encoded with."""
    publish: tuple[str, ...] = ()
    """``PROTO:PORT`` by which publishers may send streams. Closed by default: no port is open."""
    publish_from: tuple[str, ...] = ()
    """``ADDRESS=STREAM``: what may be published over MPEG-TS from that IP address without a key."""
    loop: bool = False
    """``serve``: play finished playlists as live streams over and over."""
    bt_port: int = 0
    """libtorrent's TCP and uTP port; 0 takes a free one."""
    max_memory: int = 512 << 20
    """Bytes of live segments held in memory; beyond it they are served from their files."""

    jwt_key: Path | None = None
    """Of an issuer of JWTs: whoever has one of those may publish the stream that it names."""
    jwt_audience: str | None = None
    publish_hook: str | None = None
    """Decides who may publish what nothing else allows."""
    takeover: float | None = 3.0
    """Seconds that a second publisher of a stream waits for the first before it takes over; ``None``: it is
    refused then."""
    api_input: tuple[str, ...] = ()
    """Servers and folders of which streams may be made over the API (:mod:`seeder.ingest.allowed`). Closed by
    default: an admin's token is no shell."""
    admin_token_file: Path | None = None
    """Holds the admin's token; ``None``: one in the user's state folder."""
    webhook: tuple[str, ...] = ()
    """Addresses that are told what happens to streams. Their queries may be secrets: not to be shown."""
    webhook_secret_file: Path | None = None
    webhook_events: tuple[str, ...] = ()
    """What they are told of; empty: of everything there is."""
    record: bool = False
    """Record every stream, unless its ``[[streams]]`` table, or the API, says otherwise."""
    record_grace: float = 60.0
    """Seconds without a new segment after which a recording ends."""
    dvr: float | None = None
    """Seconds that a live playlist made here goes back; ``None``: ``window`` says it."""
    retention_age: float | None = None
    """Seconds after which a recording is deleted, unless it is kept; ``None``: never."""
    retention_bytes: int | None = None
    """Bytes that all recordings may take; ``None``: no bound."""
    downloads: str = "public"
    """Who may have recordings as files: ``public``, all of each; or the ``admin`` alone."""
    storage: str | None = None
    """``s3://bucket[/prefix]`` that recordings are copied to."""
    storage_endpoint: str | None = None
    """``http(s)://…`` of its server; ``None``: Amazon's."""
    storage_region: str | None = None
    storage_public_url: str | None = None
    """Where viewers find what is in it; ``None``: as the endpoint has it."""
    storage_credentials: Path | None = None
    """As ``~/.aws/credentials``; ``None``: the environment's."""
    upload_limit: int = 10 << 30
    """Bytes of a file that is uploaded to become a recording: two hours at 10 Mbit/s."""
    keys: Path | None = None
    """The file of stream keys; ``None``: in the user's state folder."""
    streams: tuple[StreamConfig, ...] = ()
    """What the file says of single streams (``[[streams]]``)."""

    def stream(self, name: str) -> StreamConfig | None:
        """What it says of that one."""
        return next((each for each in self.streams if each.name == name), None)

    @property
    def tls(self) -> bool:
        return self.tls_self_signed or self.tls_cert is not None

    @property
    def terms(self) -> Terms:
        """What viewers may exchange, as manifests tell them."""
        return Terms(
            self.sharing,
            self.max_upload,
            self.max_ratio,
            self.min_viewers,
            self.upload_on_cellular,
            self.upload_when_hidden,
            self.ice_transport_policy == "relay",
        )


@dataclass(frozen=True, slots=True)
class Attached:
    """An existing feed that gets magnets."""

    url: str
    headers: Mapping[str, str]
    allow_private: bool
    verify: bool
    """TLS certificates are looked at."""
    seed: bool
    relay: bool


@dataclass(frozen=True, slots=True)
class Local:
    """A folder that is one stream."""

    playlist: str | None
    """The only one in it that counts, with those that it lists; ``None``: all do."""
    seed: bool


@dataclass(frozen=True, slots=True)
class Guest:
    """Who sits at the terminal may publish a stream, too."""

    stream: str
    key: str = field(repr=False)
    """Of this run; it stands in the terminal and nowhere else."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run of the program does."""

    config: Config
    feed: Path
    """The watched folder: resolved, existing."""
    name: str | None = None
    """The stream that is ingested here; ``None``: other programs write the feed."""
    source: str | None = None
    """Its input; ``None``: the test picture."""
    temporary: bool = False
    """The feed folder goes when the program ends."""
    attached: Attached | None = None
    """Publish this as ``name`` instead of what is in the feed folder."""
    local: Local | None = None
    """Publish all of the feed folder as ``name``."""

    push: tuple[str, ...] = ()
    """Servers that ``name`` is sent on to."""
    guest: Guest | None = None
    again: Callable[[], Config] | None = field(default=None, compare=False)
    """Gives the configuration as file, variables and flags say by then. Blocking; ConfigError."""

    @property
    def sent_on(self) -> tuple[tuple[str, str], ...]:
        """Streams, and the servers that they are sent on to."""
        of_file = [(stream.name, url) for stream in self.config.streams for url in stream.push]
        return (*((self.name, url) for url in self.push if self.name is not None), *of_file)

    @property
    def ingests(self) -> bool:
        """What ``name`` shows is made here."""
        return self.name is not None and self.attached is None and self.local is None


def merge(
    flags: Mapping[str, object],
    environ: Mapping[str, str] | None = None,
    document: Mapping[str, object] | None = None,
    source: str = "config file",
    folder: Path | None = None,
) -> Config:
    """The configuration these sources give together.

    ``flags``: by setting name, without what was not given (``None`` and ``()`` count as not given);
    ``environ``: the process's; ``document``: the parsed TOML file, called ``source`` in messages,
    from which relative paths of streams' inputs start at ``folder``.
    """
    values: dict[str, Any] = {}
    for key, value in (document or {}).items():
        if key == "streams":
            values[key] = read(value, source, folder)
            continue
        if key not in SETTINGS:
            raise ConfigError(f"{source}: unknown key {key!r}{meant(key, (*SETTINGS, 'streams'))}")
        values[key] = _parsed(SETTINGS[key], value, f"{source}: {key}")
    for name, setting in SETTINGS.items():
        # An empty variable is how Compose files and CI say "not set".
        if text := (environ or {}).get(setting.variable):
            values[name] = _parsed(setting, text, setting.variable)
    for name, value in flags.items():
        if value is not None and value != ():
            values[name] = _parsed(SETTINGS[name], value, SETTINGS[name].flag)
    config = Config(**values)
    _check_together(config)
    return config


def _parsed(setting: Setting, value: object, where: str) -> Any:
    try:
        return setting.parse(value)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None


def _check_together(config: Config) -> None:
    if (config.tls_cert is None) != (config.tls_key is None):
        lacking, given = (
            ("--tls-key", "--tls-cert") if config.tls_key is None else ("--tls-cert", "--tls-key")
        )
        raise ConfigError(f"{given} needs {lacking} as well")
    if config.tls_self_signed and config.tls_cert is not None:
        raise ConfigError("--tls-self-signed and --tls-cert exclude each other: keep one")
    if bool(config.turn) != (config.turn_secret_file is not None):
        lacking, given = ("--turn-secret-file", "--turn") if config.turn else ("--turn", "--turn-secret-file")
        raise ConfigError(f"{given} needs {lacking} as well")
    if config.turn and config.tracker is not None:
        raise ConfigError(
            "--turn needs our own tracker, which gives viewers their credentials; not --tracker"
        )
    if config.ice_transport_policy == "relay" and not config.turn and config.tracker is None:
        raise ConfigError("--ice-transport-policy relay needs --turn: else no two viewers could connect")
    if any(wanted.startswith("rtmps:") for wanted in config.publish) and not config.tls:
        raise ConfigError("--publish rtmps needs --tls-cert and --tls-key (or --tls-self-signed)")
    if bool(config.webhook) != (config.webhook_secret_file is not None):
        lacking, given = ("--webhook-secret-file", "--webhook")[:: 1 if config.webhook else -1]
        raise ConfigError(f"{given} needs {lacking} as well")
    for name in ("storage_endpoint", "storage_region", "storage_public_url", "storage_credentials"):
        if getattr(config, name) is not None and config.storage is None:
            raise ConfigError(f"{SETTINGS[name].flag} needs --storage as well")
    if config.jwt_audience is not None and config.jwt_key is None:
        raise ConfigError("--jwt-audience needs --jwt-key as well")
    secure = config.tls if config.public_url is None else config.public_url.startswith("https:")
    if secure and config.tracker is not None and config.tracker.startswith("ws:"):
        raise ConfigError("--tracker: pages served over HTTPS may only use wss:// trackers (mixed content)")


def unknown_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """A warning for each ``LIVE_TORRENT_…`` variable that is no setting.

    Not an error: Kubernetes and images set such names on their own.
    """
    known = {setting.variable for setting in SETTINGS.values()} | {CONFIG_VARIABLE, ADMIN_TOKEN_VARIABLE}
    return tuple(
        f"environment variable {name} is not a setting{meant(name, known)}"
        for name in sorted(environ)
        if name.startswith(ENV_PREFIX) and name not in known
    )


def load(flags: Mapping[str, object], environ: Mapping[str, str], file: Path | None = None) -> Config:
    """:func:`merge` with ``file`` (else the one that ``LIVE_TORRENT_CONFIG`` names) read and parsed.

    A relative path in the file is relative to the file, so that it means the same from every directory.
    """
    where = "--config"
    if file is None and environ.get(CONFIG_VARIABLE):
        file, where = Path(environ[CONFIG_VARIABLE]).expanduser(), CONFIG_VARIABLE
    if file is None:
        return merge(flags, environ)
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{where}: cannot read {file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: {file} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: {file} is not TOML: {error}") from None
    for key in _PATHS:
        value = document.get(key)
        if isinstance(value, str) and value.strip():
            document[key] = str(file.resolve().parent / Path(value.strip()).expanduser())
    inputs = document.get("api_input")
    if isinstance(inputs, list):
        document["api_input"] = [
            str(file.resolve().parent / Path(each).expanduser())
            if isinstance(each, str) and each.strip() and "://" not in each
            else each
            for each in inputs
        ]
    return merge(flags, environ, document, str(file), file.resolve().parent)
