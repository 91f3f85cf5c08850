"""What the machine allows is found out before it hurts."""

from __future__ import annotations

import shutil
import subprocess
import sys

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
