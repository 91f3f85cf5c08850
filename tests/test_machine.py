"""What the machine allows is found out before it hurts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seeder.errors import ServeError
from seeder.machine import FEWEST_DESCRIPTORS, MOST_DESCRIPTORS, addresses, wanted_descriptors

UNLIMITED = -1


def test_the_limit_is_raised_to_the_hard_one_but_not_beyond_sense() -> None:
    assert wanted_descriptors(4096, UNLIMITED) == 4096
    assert wanted_descriptors(1 << 30, UNLIMITED) == MOST_DESCRIPTORS
    assert wanted_descriptors(UNLIMITED, UNLIMITED) == MOST_DESCRIPTORS


def test_too_few_descriptors_is_an_error_that_says_how_to_get_more() -> None:
    with pytest.raises(ServeError, match=f"only 64 .* {FEWEST_DESCRIPTORS} are needed.*ulimit -n"):
        wanted_descriptors(64, UNLIMITED)


def test_no_loopback_address_counts() -> None:
    assert not [address for address in addresses() if address.startswith(("127.", "::1", "fe80", "169.254"))]


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare makes the network with only loopback")
def test_a_machine_with_only_loopback_has_no_addresses() -> None:
    program = "import seeder.machine; print(seeder.machine.addresses())"
    command = ["unshare", "-n", sys.executable, "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Operation not permitted" in result.stderr:
        pytest.skip("only root may make a network namespace here")
    assert result.stdout.strip() == "()", result.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc")
def test_the_children_of_children_are_found_and_killed() -> None:
    program = (
        "import subprocess, sys, os, time, seeder.machine as m\n"
        "subprocess.Popen(['sh', '-c', 'sleep 60 & sleep 60'], start_new_session=True)\n"
        "deadline = time.monotonic() + 30\n"
        "while len(found := m.children(os.getpid())) < 3 and time.monotonic() < deadline: time.sleep(0.01)\n"
        "m.kill_children()\n"
        "print(*found)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found = result.stdout.split()
    assert len(found) == 3
    assert not any(_runs("sleep", pid) for pid in found)


def _runs(name: str, pid: str) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().split()
    except OSError:
        return False
    return fields[1] == f"({name})" and fields[2] != "Z"
