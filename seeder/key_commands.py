"""``live-torrent keys …``: who may publish. Works on the file, whether a server runs or not."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seeder import logs
from seeder.config import load
from seeder.errors import ConfigError
from seeder.settings import SETTINGS

if TYPE_CHECKING:
    from seeder.publish.keyfile import KeyFile
    from seeder.publish.keys import Key, Keys

Command = Callable[..., Any]


def _common(command: Command) -> Command:
    """Where the keys are, and how they are shown."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON document instead of lines."),
        click.option("--config", "config_file", metavar="FILE", help="TOML file that may say keys = …"),
        click.option(SETTINGS["keys"].flag, "keys_file", metavar="FILE", help=SETTINGS["keys"].help),
    ):
        command = option(command)
    return command


def _file(keys_file: str | None, config_file: str | None) -> KeyFile:
    from seeder.publish.keyfile import KeyFile, place

    config = load({"keys": keys_file}, os.environ, Path(config_file) if config_file else None)
    logs.setup(config.log_format, config.log_level)
    return KeyFile(place(config.keys))


@click.group(invoke_without_command=True)
@click.pass_context
def keys(context: click.Context) -> None:
    """Who may publish streams here: make, list, change and revoke stream keys.

    Without a key nobody publishes. A key is for one stream; it is shown once and kept as a hash. A running
    server sees every change within a second.

    \b
      live-torrent keys create garden --label "OBS in the shed"
      live-torrent keys list
      live-torrent keys rotate garden --keep 1h
      live-torrent keys revoke k7x2m4p9qd
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@keys.command()
@click.argument("stream", metavar="STREAM")
@click.option("--label", default="", metavar="TEXT", help="To know it by: which encoder, whose.")
@click.option("--expires", metavar="TIME", help="It ends by itself after 30d, 12h, 90m. [default: never]")
@click.option(
    "--srt-passphrase",
    "srt",
    is_flag=True,
    help="Good as an SRT passphrase, too. libsrt needs that in clear: so it stands in the file.",
)
@_common
def create(
    stream: str, label: str, expires: str | None, srt: bool, as_json: bool, **where: str | None
) -> None:
    """Make a key with which STREAM can be published; stdout has the key alone."""
    lifetime = _seconds("--expires", expires)
    made = _file(**where).change(
        lambda all_: _split(all_.created(stream, time.time(), label=label, lifetime=lifetime, srt=srt))
    )
    _show(*made, as_json)


@keys.command(name="list")
@_common
def list_(as_json: bool, **where: str | None) -> None:
    """Say which keys there are; none can be shown again."""
    from seeder.publish.keys import public

    found = _file(**where).read()
    if as_json:
        click.echo(json.dumps({"keys": [public(key) for key in found]}, indent=1))
        return
    if not found.all:
        click.echo("there is no key: nobody can publish (live-torrent keys create STREAM)", err=True)
        return
    now = time.time()
    rows = [("ID", "STREAM", "CREATED", "EXPIRES", "LAST USED", "LABEL")]
    for key in found:
        expires = "never" if key.expires is None else _date(key.expires) if key.valid(now) else "has expired"
        used = "never" if key.used is None else _date(key.used)
        label = key.label + (" (SRT)" if key.passphrase else "")
        rows.append((key.id, key.stream, _date(key.created), expires, used, label))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        click.echo("  ".join((*cells, row[5])).rstrip())


@keys.command()
@click.argument("name", metavar="ID|STREAM")
@click.option("--keep", metavar="TIME", help="The old one stays good for 1h, 10m, … [default: not at all]")
@click.option("--expires", metavar="TIME", help="Of the new one. [default: as long as the old one was to]")
@_common
def rotate(name: str, keep: str | None, expires: str | None, as_json: bool, **where: str | None) -> None:
    """Make a new key in place of another (its ID, or the STREAM that has only that one)."""
    kept, lifetime = _seconds("--keep", keep) or 0, _seconds("--expires", expires)
    made = _file(**where).change(
        lambda all_: _split(all_.rotated(name, time.time(), keep=kept, lifetime=lifetime))
    )
    _show(*made, as_json)


@keys.command()
@click.argument("ident", metavar="ID")
@_common
def revoke(ident: str, as_json: bool, **where: str | None) -> None:
    """End a key: it opens nothing any more, and who publishes with it is cut off within a second."""
    _file(**where).change(lambda all_: (all_.revoked(ident), None))
    click.echo(json.dumps({"revoked": ident}) if as_json else f"{ident} is revoked")


def _split(made: tuple[Keys, Key, str]) -> tuple[Keys, tuple[Key, str]]:
    kept, key, shown = made
    return kept, (key, shown)


def _show(key: Key, shown: str, as_json: bool) -> None:
    from seeder.publish.keys import public

    if as_json:
        click.echo(json.dumps(public(key) | {"key": shown}, indent=1))
        return
    ends = "" if key.expires is None else f" until {_date(key.expires)}"
    click.echo(f"The key {key.id} for the stream {key.stream}{ends}, shown this once:", err=True)
    click.echo(shown)
    click.echo("It is for an encoder, or in a browser for /studio (serve --publish browser).", err=True)


def _date(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _seconds(option: str, text: str | None) -> int | None:
    from seeder.publish.keys import lifetime

    if text is None:
        return None
    try:
        return lifetime(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None
