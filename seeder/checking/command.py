"""The command: options in, lines or JSON out, an exit code."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import click

from seeder.checking.inspection import Effort, Inspection
from seeder.checking.report import Report, line, rules
from seeder.errors import FetchError
from seeder.fetch import open_source, read_headers, to_url
from seeder.hls.check import Finding
from seeder.stopping import Stopper


def list_of_rules() -> str:
    return "\n".join(rules())


def run_check(
    where: str,
    stopper: Stopper,
    *,
    reloads: int,
    segments: int,
    header: Sequence[str],
    allow_private: bool,
    insecure: bool,
    strict: bool,
    as_json: bool,
) -> int:
    """The exit code; a FetchError when there is nothing to check."""
    url = to_url(where)
    source = open_source(url, headers=read_headers(header), allow_private=allow_private, verify=not insecure)
    status = _Status(sys.stderr.isatty() and not as_json)

    def tell(finding: Finding) -> None:
        status.clear()
        if not as_json:
            click.echo(line(finding, url))

    inspection = Inspection(url, source, Effort(reloads, segments), tell, status.show)

    async def body() -> None:
        stopper.attach()
        try:
            async with source:
                await inspection.run()
        finally:
            stopper.detach()

    try:
        asyncio.run(body())
    except asyncio.CancelledError:
        if not stopper.asked:
            raise
        if inspection.report.playlists == 0:
            raise FetchError("stopped before anything had come", url) from None
        # What was found until then is worth as much.
    status.clear()
    report = inspection.report
    click.echo(report.to_json(strict) if as_json else report.summary())
    return 0 if report.ok(strict) else 1


class _Status:
    """How far it is, in one line of a terminal that the next output replaces."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._there = False

    def show(self, report: Report) -> None:
        if self._shown:
            click.echo(f"\r\033[K  {report.summary()}", nl=False, err=True)
            self._there = True

    def clear(self) -> None:
        if self._there:
            click.echo("\r\033[K", nl=False, err=True)
            self._there = False
