"""The command line: flags in, one :class:`~seeder.config.Plan` out, messages and exit codes.

Exit codes: 0 after Ctrl-C or SIGTERM once everything stopped cleanly; 1 for an unforeseen failure; 2 for
flags and configuration; 3 feed; 4 ffmpeg and input; 5 port and certificate (``seeder.errors``); 130 when
a second Ctrl-C did not wait for that. Messages go to stderr; the address to open goes to stdout.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from seeder import __version__
from seeder.config import Attached, Local, Plan
from seeder.errors import ConfigError, LiveTorrentError, cause
from seeder.folders import existing, local, made, temporary
from seeder.key_commands import keys
from seeder.offline import bake, check, export, import_
from seeder.options import TERMS, checked, configure, read_again, settings
from seeder.running import fail, run, stopper
from seeder.stopping import ABORTED
from seeder.stream_config import push_urls
from seeder.values import stream_name

logger = logging.getLogger(__name__)

_SERVER = (
    *("host", "port", "tls_cert", "tls_key", "tls_self_signed", "public_url", "trust_proxy"),
    *("tracker", "swarm", "stun", "turn", "turn_secret_file", *TERMS),
    *("bt_port", "max_memory", "log_format", "log_level"),
)
_PUBLISH = (
    *("keys", "jwt_key", "jwt_audience", "publish_hook", "takeover", "admin_token_file", "api_input"),
    *("webhook", "webhook_secret_file", "webhook_events", "upload_limit"),
)
"""Who may publish streams into the feed folder, and who is told of it."""
_RECORDINGS = (
    *("record", "record_grace", "retention_age", "retention_bytes", "downloads", "storage"),
    *("storage_endpoint", "storage_region", "storage_public_url", "storage_credentials"),
)
"""What is kept of what was live."""
_INGEST = ("segment_seconds", "window", "dvr", "ladder", "encoder", "ffmpeg")


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog='Every flag is also a key of the --config file (tls_cert = "…") and an environment variable '
    "(LIVE_TORRENT_TLS_CERT). A flag wins over a variable, a variable over the file. Exit codes: 0 stopped "
    "by Ctrl-C, 1 unforeseen, 2 flags and configuration, 3 feed, 4 input and ffmpeg, 5 port and certificate.",
)
@click.version_option(__version__, "--version", message="live-torrent %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Live HLS in which the viewers carry the load: every segment is a torrent, HTTP is the fallback.

    \b
    Try it, with nothing but this command:
      live-torrent demo
    Your own video, camera or stream:
      live-torrent demo --input holiday.mp4
      live-torrent stream rtsp://camera.local/1 --name garden
    What another program writes (ffmpeg -f hls, OBS, nginx-rtmp), one folder per stream:
      live-torrent serve --feed feed
    For the world, behind a proxy or with your own certificate:
      live-torrent serve --feed feed --public-url https://live.example.org
      live-torrent serve --feed feed --host 0.0.0.0 --port 443 --tls-cert chain.pem --tls-key key.pem
    From OBS or another encoder, which needs a key:
      live-torrent keys create garden
      live-torrent serve --feed feed --publish rtmp
    From a browser, at /studio, with such a key; and what was live is kept:
      live-torrent serve --feed feed --publish browser --record
    A film as a recording:
      live-torrent import holiday.mkv --name holiday
    A recording as one file:
      live-torrent export feed/garden-20261122-120000
    Recordings on any web server or object store:
      live-torrent bake films --tracker wss://tracker.example.org/announce
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command(short_help="Show everything at once: a live picture, the server, a page.")
@click.option(
    "--input", "source", metavar="INPUT", help="A file (looped) or URL instead of the test picture."
)
@click.option(
    "--open/--no-open", "browser", default=None, help="Open the page. [default: where there is a screen]"
)
@click.option(
    "--studio/--no-studio",
    default=None,
    help="Go live from /studio with a key that stands here. [default: where this is a terminal]",
)
@settings("feed", *_INGEST, *_RECORDINGS, *_PUBLISH, *_SERVER)
def demo(
    source: str | None, browser: bool | None, studio: bool | None, config_file: str | None, **flags: object
) -> None:
    """Show everything at once: a live test picture (or INPUT), the server, a page to watch it on.

    Open the page twice: the second window gets its segments from the first. Without --feed the
    segments live in a temporary folder that is removed at the end.

    The page /studio sends your camera, as a stream of its own; its key is good until the demo ends.
    """
    config, again = configure(config_file, flags), read_again(config_file, flags)
    source = None if source is None else checked(source)
    with temporary(config.feed) as feed:
        plan = Plan(config, feed, name="demo", source=source, temporary=config.feed is None, again=again)
        # What is no terminal may be a log, and a key does not belong into one.
        if sys.stdout.isatty() if studio is None else studio:
            from seeder.publish.once import with_studio

            plan = with_studio(plan)
        run(plan, open_browser=browser)


@cli.command(short_help="Serve the HLS streams that other programs write into a folder.")
@settings("feed", "loop", "publish", "publish_from", *_INGEST, *_RECORDINGS, *_PUBLISH, *_SERVER)
def serve(config_file: str | None, **flags: object) -> None:
    """Watch a folder and serve every HLS stream in it, as other programs write them.

    One folder per stream: FEED/<stream>/….m3u8. Streams may come and go while this runs.

    With --publish encoders send streams here: --publish rtmp, --publish srt:9000, …; with --publish
    browser anybody who has a key does, from the page /studio. --record keeps what was live.

    \b
    Streams that are made here, any number of them, stand in the --config file:
      [[streams]]
      name = "garden"
      input = "rtsp://camera.local/1"
    """
    config, again = configure(config_file, flags), read_again(config_file, flags)
    folder = made if config.publish or config.streams else existing
    run(Plan(config, folder(config.feed or Path("feed")), again=again))


@cli.command(short_help="Turn a file, camera or URL into a live stream and serve it.")
@click.argument("inputs", metavar="INPUT…", nargs=-1, required=True)
@click.option("--name", required=True, metavar="NAME", help="The stream's name: what stands in /watch/NAME.")
@click.option(
    "--push", multiple=True, metavar="URL", help="Send it on to this RTMP, RTSP or SRT server, too."
)
@settings("feed", *_INGEST, *_RECORDINGS, *_PUBLISH, *_SERVER)
def stream(
    inputs: tuple[str, ...], name: str, push: tuple[str, ...], config_file: str | None, **flags: object
) -> None:
    """Turn INPUT (a file, camera or URL: anything ffmpeg reads) into the live stream NAME and serve it.

    Several are played one after the other, over and over; so is what a list holds (.txt, .m3u,
    .ffconcat: a file or URL a line).

    Other users of this machine can read a key that follows --push: in [[streams]] of the file it is safe.
    """
    config, again = configure(config_file, flags), read_again(config_file, flags)
    try:
        name = stream_name(name)
    except ValueError as error:
        raise ConfigError(f"--name: {error}") from None
    source = "\n".join(checked(one) for one in inputs)
    if config.stream(name) is not None:
        raise ConfigError(f"--name: {name} is one of the [[streams]] in the file already")
    feed = made(config.feed or Path("feed"))
    run(Plan(config, feed, name=name, source=source, push=_pushed(push), again=again))


def _pushed(urls: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return push_urls(urls)
    except ValueError as error:
        raise ConfigError(f"--push: {error}") from None


@cli.command(short_help="Put magnets on top of an existing HLS feed; its segments stay where they are.")
@click.argument("where", metavar="URL|PATH")
@click.option("--name", required=True, metavar="NAME", help="The stream's name: what stands in /watch/NAME.")
@click.option("--header", multiple=True, metavar="NAME: VALUE", help="Sent upstream; may be repeated.")
@click.option("--allow-private", is_flag=True, help="Follow redirects and playlists into private networks.")
@click.option("--insecure", is_flag=True, help="Take any TLS certificate of the upstream's.")
@click.option("--seed/--no-seed", default=True, help="Also seed the segments from here. [default: seed]")
@click.option("--relay", is_flag=True, help="Serve the segments from here: their home sends no CORS headers.")
@settings(*_SERVER)
def attach(
    where: str,
    name: str,
    header: tuple[str, ...],
    allow_private: bool,
    insecure: bool,
    seed: bool,
    relay: bool,
    config_file: str | None,
    **flags: object,
) -> None:
    """Serve the HLS feed at URL as the stream NAME, with a magnet for every segment.

    Its segments stay where they are: viewers fetch them from there, or from each other. Each is fetched once
    from here, to be hashed. Live or recorded, any number of variants and renditions.

    A PATH on this machine is served from here: of a playlist what it lists, of a folder all playlists in it,
    as one stream, and what becomes of them.

    \b
      live-torrent attach https://cdn.example.org/live/master.m3u8 --name garden
      live-torrent attach holiday/master.m3u8 --name holiday
    """
    from seeder.fetch import read_headers

    config = configure(config_file, flags)
    try:
        name = stream_name(name)
    except ValueError as error:
        raise ConfigError(f"--name: {error}") from None
    where = checked(where)
    if where.startswith(("http://", "https://")):
        attached = Attached(where, read_headers(header), allow_private, not insecure, seed, relay)
        with tempfile.TemporaryDirectory(prefix="live-torrent-attach-") as folder:
            run(Plan(config, Path(folder).resolve(), name=name, temporary=True, attached=attached))
        return
    if header or allow_private or insecure or relay:
        raise ConfigError("--header, --allow-private, --insecure and --relay are for URLs, not for a PATH")
    feed, playlist = local(where)
    run(Plan(config, feed, name=name, local=Local(playlist, seed)))


for each in (bake, check, export, import_, keys):
    cli.add_command(each)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of ``live-torrent`` and ``python -m seeder``; never returns, never shows a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an ASCII terminal gets "?" instead of a UnicodeEncodeError
    stopper.install()
    sys.exit(_main(arguments))


def _main(arguments: Sequence[str] | None) -> int:
    try:
        code = cli.main(arguments, prog_name="live-torrent", standalone_mode=False)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "live-torrent"
        fail(f"{error.format_message()} ({where} --help)")
        return ConfigError.exit_code
    except (click.Abort, KeyboardInterrupt):
        return ABORTED
    except BrokenPipeError:  # live-torrent --help | head -1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 (the one place where every failure becomes one line)
        return _report(error)
    return code if isinstance(code, int) else 0


def _report(error: BaseException) -> int:
    """One line on stderr for whatever went wrong; the exit code."""
    named = cause(error)
    debugging = logging.getLogger("seeder").isEnabledFor(logging.DEBUG)
    if debugging:
        logger.debug("the failure in full", exc_info=error)
    if isinstance(named, LiveTorrentError):
        fail(str(named))
        return named.exit_code
    pointer = "" if debugging else " (unforeseen; --log-level debug shows where)"
    fail(f"{type(named).__name__}: {named}{pointer}")
    return 1
