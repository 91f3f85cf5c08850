"""The commands that need no server: ``bake``, ``import``, ``export`` and ``check``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seeder.folders import made
from seeder.options import TERMS, checked, configure, settings
from seeder.running import stopper


@click.command(short_help="Write magnets into finished HLS, for any web server to serve.")
@click.argument("folder", metavar="FOLDER")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.option("--undo", "undoing", is_flag=True, help="Have everything as it was before, byte for byte.")
@settings(
    *("tracker", "public_url", "stun", *TERMS, "log_format", "log_level"),
    tracker="Where viewers meet: a WebTorrent tracker, ws:// or wss://.",
    public_url="Where FOLDER will be.",
)
def bake(folder: str, dry_run: bool, undoing: bool, config_file: str | None, **flags: object) -> int:
    """Write magnets into the finished HLS in FOLDER: any web server or object store can serve it then.

    Every playlist beneath FOLDER that has ended gets our tags in place, its own lines stay as they are.
    Beside them go live-torrent/ (the browser's files) and a watch.html for each stream. Where they are
    served no live-torrent has to run; viewers meet at the WebTorrent tracker that --tracker names.

    \b
      live-torrent bake films --tracker wss://tracker.example.org/announce
      live-torrent bake films --tracker wss://tracker.example.org/announce \\
                              --public-url https://cdn.example.org/films
      live-torrent bake films --undo

    \b
    The tracker can be a live-torrent of yours, which has to know the swarms that bake shows:
      live-torrent serve --swarm 40HEXDIGITS

    --public-url is where FOLDER will be: it goes into magnets as web seed, and makes the swarms the same
    wherever it is baked. Run it again when something has changed: only new segments are hashed
    (FOLDER/.live-torrent.jsonl knows the others). Ctrl-C is safe; the next run goes on.

    \b
    On a page of yours:
      <script src="films/live-torrent/embed.js" data-src="films/casablanca/master.m3u8"></script>
    """
    from seeder.baking.command import run_bake

    config = configure(config_file, flags)
    return run_bake(folder, config, stopper, dry_run=dry_run, undoing=undoing)


@click.command("import", short_help="Turn a media file, or a folder of WebM chunks, into a recording.")
@click.argument("path", metavar="FILE|FOLDER")
@click.option("--name", required=True, metavar="NAME", help="Its name: what stands in /watch/NAME.")
@click.option("--title", default="", metavar="TEXT", help="Its title for people. [default: the file's name]")
@settings("feed", "ladder", "segment_seconds", "encoder", "ffmpeg", "log_format", "log_level")
def import_(path: str, name: str, title: str, config_file: str | None, **flags: object) -> int:
    """Turn FILE (anything ffmpeg reads) into NAME, a recording in the feed folder.

    What fits is copied, the rest is encoded. It appears in the feed all at once; no server has to run.

    A FOLDER holds WebM chunks of a browser's recorder, each with a header or only the first: they are put
    together in the order of the numbers in their names, without a gap. A broken one costs itself alone.

    \b
      live-torrent import holiday.mkv --name holiday --title "Our holiday"
      live-torrent import chunks/ --name talk
    """
    from seeder.imports.command import run_import

    config = configure(config_file, flags)
    feed = made(config.feed or Path("feed"))
    return run_import(Path(checked(path)), name, title, feed, config, stopper)


@click.command(short_help="Make one MP4 or WebM of a recording, or of a part of it.")
@click.argument("recording", metavar="FOLDER")
@click.option("-o", "--output", "out", metavar="FILE", help="[default: the recording's name, here]")
@click.option("--format", "form", metavar="mp4|webm", help="[default: as FILE ends; mp4]")
@click.option("--from", "start", metavar="TIME", help="Where it begins: seconds, or H:MM:SS.")
@click.option("--to", "stop", metavar="TIME", help="Where it ends.")
@click.option("--variant", default="", metavar="NAME", help="A variant's folder, as v1. [default: the best]")
@click.option("--force", is_flag=True, help="Write over FILE.")
@settings("ffmpeg", "log_format", "log_level")
def export(
    recording: str,
    out: str | None,
    form: str | None,
    start: str | None,
    stop: str | None,
    variant: str,
    force: bool,
    config_file: str | None,
    **flags: object,
) -> int:
    """Make one file of the recording in FOLDER (FEED/NAME; or a playlist of HLS that has ended).

    Nothing is encoded: what is in its segments is copied, without a gap where it was interrupted. A part
    begins at the key frame at or before --from. No server has to run.

    \b
      live-torrent export feed/garden-20261122-120000
      live-torrent export feed/garden-20261122-120000 -o best.mp4 --from 1:15 --to 1:30
    """
    from seeder.export_command import moment, run_export
    from seeder.recording.export_source import Wanted

    config = configure(config_file, flags)
    file = None if out is None else Path(checked(out))
    form = form or ("webm" if file is not None and file.suffix.lower() == ".webm" else "mp4")
    wanted = Wanted(form, moment(start, "--from"), moment(stop, "--to"), variant)
    return run_export(Path(checked(recording)), file, wanted, config, stopper, force=force)


@click.command(short_help="Hold a playlist against RFC 8216bis: a feed's, or our own.")
@click.argument("where", metavar="URL", required=False)
@click.option(
    "--reloads", type=click.IntRange(1, 100_000), default=4, help="Of a live playlist. [default: 4]"
)
@click.option(
    "--segments",
    type=click.IntRange(-1),
    default=2,
    metavar="N",
    help="Fetch the N newest of each playlist at each reload; 0: none, -1: all. [default: 2]",
)
@click.option(
    "--header", multiple=True, metavar="NAME: VALUE", help="Sent with every request; may be repeated."
)
@click.option("--allow-private", is_flag=True, help="Follow redirects and playlists into private networks.")
@click.option("--insecure", is_flag=True, help="Take any TLS certificate.")
@click.option("--strict", is_flag=True, help="Exit with 1 for a SHOULD, too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of lines.")
@click.option("--rules", "list_rules", is_flag=True, help="Say what is looked at, and nothing more.")
def check(where: str | None, list_rules: bool, **options: Any) -> int:
    """Hold the playlists at URL (or a local path) against RFC 8216bis and Apple's authoring rules.

    A live playlist is reloaded as players do, its variants are held against each other, some of its
    segments are fetched, and where it has magnets of live-torrent's they are held against the bytes.

    \b
    Each line: how much the rule binds (must, should, advice), its section, its name, where, what is there.
    Exit codes: 0 no must is broken; 1 some are; 4 the playlist cannot be fetched.

    \b
      live-torrent check https://live.example.org/live/garden/master.m3u8
      live-torrent check --json --reloads 30 http://127.0.0.1:8008/live/demo/master.m3u8
      live-torrent check recording/index.m3u8 --segments -1
    """
    from seeder.checking.command import list_of_rules, run_check

    if list_rules:
        click.echo(list_of_rules())
        return 0
    if where is None:
        raise click.UsageError("Missing argument 'URL'.")
    stopper.hold()
    return run_check(where, stopper, **options)
