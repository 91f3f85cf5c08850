"""Once is a wish, twice an order; run in a process of its own, because signals are the process's."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, signal, sys
from seeder.stopping import Stopper

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever started the tests may ignore it, as nohup does
now = [100.0]
stopper = Stopper(clock=lambda: now[0])
stopper.on_first = lambda: print("first", flush=True)
stopper.on_abort = lambda: print("abort", flush=True)
stopper.install()

def strike(after=0.0, number=signal.SIGINT):
    now[0] += after
    signal.raise_signal(number)

async def attached():
    stopper.attach()
    try:
        {body}
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        {cleanup}
        print("clean", flush=True)

{start}
"""


def run(
    body: str = "pass", cleanup: str = "pass", start: str = "asyncio.run(attached())"
) -> tuple[list[str], int]:
    program = PROGRAM.format(body=body, cleanup=cleanup, start=start)
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert "Traceback" not in result.stderr, result.stderr
    return result.stdout.split(), result.returncode


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_first_signal_cancels_the_task_and_lets_it_clean_up(name: str) -> None:
    assert run(f"strike(number=signal.{name})") == (["first", "cancelled", "clean"], 0)


def test_the_second_signal_ends_the_process_at_once() -> None:
    assert run("strike()", cleanup="strike(after=1.0)") == (["first", "cancelled", "abort"], 130)


def test_a_signal_that_was_passed_on_by_a_wrapper_is_not_a_second_wish() -> None:
    assert run("strike(); strike(after=0.01)") == (["first", "cancelled", "clean"], 0)


def test_before_anything_runs_a_signal_is_a_keyboard_interrupt() -> None:
    start = "try: strike()\nexcept KeyboardInterrupt: print('interrupted')"
    assert run(start=start) == (["interrupted"], 0)


def test_a_signal_during_the_hold_is_kept_for_the_task() -> None:
    start = "stopper.hold(); strike(); print('held', flush=True); asyncio.run(attached())"
    assert run(start=start) == (["held", "first", "cancelled", "clean"], 0)


def test_a_second_signal_during_the_hold_does_not_wait_for_the_task() -> None:
    assert run(start="stopper.hold(); strike(); strike(after=1.0)") == (["abort"], 130)


def test_nohup_is_respected() -> None:
    start = (
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); stopper.install(); "
        "strike(number=signal.SIGHUP); print('on')"
    )
    assert run(start=start) == (["on"], 0)


def test_in_the_background_of_a_shell_an_interrupt_still_counts() -> None:
    start = (
        "signal.signal(signal.SIGINT, signal.SIG_IGN); stopper.install()\n"
        "try: strike()\nexcept KeyboardInterrupt: print('interrupted')"
    )
    assert run(start=start) == (["interrupted"], 0)
