"""The service in the foreground: started, told of, stopped by signals, never waited for without end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
import threading
import webbrowser

import click

from seeder import logs, machine
from seeder.config import Plan
from seeder.stopping import Stopper

logger = logging.getLogger(__name__)
stopper = Stopper()
"""Signals belong to the process, so there is one."""

STOP_SECONDS = 25.0
"""For everything to stop in order: ffmpeg takes up to 3, the server as many, libtorrent 20 at its worst.
Beyond that something hangs in a library, and a service manager would wait for it."""


def run(plan: Plan, open_browser: bool | None = False) -> None:
    """Run the service until a signal; a second one takes the children and temporary files along."""
    # Late: libtorrent and the server take half a second, which --help and wrong flags need not wait for.
    from seeder import service

    def abort() -> None:
        machine.kill_children()
        if plan.temporary:
            shutil.rmtree(plan.feed, ignore_errors=True)

    def stuck() -> None:
        fail(f"stopping took longer than {STOP_SECONDS:g} s: ended without waiting further")
        try:
            abort()
        finally:
            os._exit(1)

    def stopping() -> None:
        watchdog = threading.Timer(STOP_SECONDS, stuck)
        watchdog.daemon = True  # it does not outlive a stop that works
        watchdog.start()

    stopper.on_first = lambda: logger.info("stopping … (Ctrl-C again to stop at once)")
    stopper.on_abort = abort

    def playing(address: str) -> None:
        _announce(address, plan)
        if open_browser or (open_browser is None and has_screen()):
            # A daemon thread: a browser that does not come up cannot keep us from ending.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    def up(running: service.Service) -> None:
        if hears_hangups(plan):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, running.reload.soon)

    async def body() -> None:
        stopper.attach()
        try:
            await service.run(plan, playing, stopping, up)
        finally:
            stopper.detach()

    try:
        asyncio.run(body(), debug=False)
    except asyncio.CancelledError:
        if not stopper.asked:
            raise
        logger.info("stopped")


def _announce(address: str, plan: Plan) -> None:
    hint = "open a second window and watch bytes arrive from the first" if plan.name == "demo" else ""
    with contextlib.suppress(OSError):  # nobody reads our stdout: no reason to stop serving
        click.echo(f"\n    {address}" + (f"  — {hint}" if hint else ""))
        if plan.guest is not None:
            where = f"{address}/studio?stream={plan.guest.stream}"
            click.echo(f"    {where}  — go live yourself; the key, until this stops: {plan.guest.key}")
        click.echo()


def hears_hangups(plan: Plan) -> bool:
    """SIGHUP is to read the configuration anew: what service managers mean by it. A terminal that is closed
    means our end, as it ever did; and ``nohup`` wants it ignored."""
    signal_ = getattr(signal, "SIGHUP", None)  # Windows has none
    if signal_ is None or plan.again is None or signal.getsignal(signal_) == signal.SIG_IGN:
        return False
    return not any(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr) if stream is not None)


def has_screen() -> bool:
    """Somebody sits before this: not a service, a container or a shell on a remote machine."""
    if not sys.stdout.isatty() or "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform in ("darwin", "win32") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())


def fail(message: str) -> None:
    if logs.is_json():
        logger.error(message)
    else:
        click.echo(f"live-torrent: error: {logs.mask(' '.join(message.split()))}", err=True)
