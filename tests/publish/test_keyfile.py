"""The file of keys, on a real disk."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from seeder.errors import ConfigError
from seeder.publish.keyfile import KeyFile, place
from seeder.publish.keys import Keys


def add(file: KeyFile, stream: str) -> str:
    def how(all_: Keys) -> tuple[Keys, str]:
        more, _, shown = all_.created(stream, time.time())
        return more, shown

    return file.change(how)


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


def test_a_file_that_is_not_there_has_no_keys(file: KeyFile) -> None:
    assert file.read() == Keys()
    assert file.stamp() is None


def test_nobody_else_reads_it(file: KeyFile) -> None:
    before = os.umask(0)
    try:
        add(file, "garden")
    finally:
        os.umask(before)
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert {entry.name for entry in file.path.parent.iterdir()} == {"keys.json", "keys.json.lock"}


def test_every_change_shows(file: KeyFile) -> None:
    stamps = [file.stamp()]
    for stream in ("garden", "shed"):
        add(file, stream)
        stamps.append(file.stamp())
    assert len(set(stamps)) == 3


def test_what_many_change_at_once_is_all_there(file: KeyFile) -> None:
    threads = [threading.Thread(target=add, args=(file, f"s{number}")) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key.stream for key in file.read()} == {f"s{number}" for number in range(20)}


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"{", b" " * (1 << 20) + b"x"])
def test_a_damaged_file_is_an_error_and_stays_as_it_is(file: KeyFile, damage: bytes) -> None:
    file.path.write_bytes(damage)
    with pytest.raises(ConfigError, match="is damaged"):
        file.read()
    with pytest.raises(ConfigError, match="is damaged"):
        add(file, "garden")
    assert file.path.read_bytes() == damage


def test_a_disk_that_refuses_costs_nothing_that_was_there(file: KeyFile) -> None:
    add(file, "garden")
    before = file.path.read_bytes()
    (file.path.parent / ".keys.json.tmp").mkdir()  # as good as a full disk: the new file cannot be written
    with pytest.raises(ConfigError, match="cannot write the keys"):
        add(file, "shed")
    assert file.path.read_bytes() == before


def test_a_link_stays_a_link(file: KeyFile, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "real.json"
    real.parent.mkdir()
    file.path.symlink_to(real)
    add(file, "garden")
    assert file.path.is_symlink()
    assert KeyFile(real).read() == file.read()


def test_without_a_home_a_place_must_be_named(tmp_path: Path) -> None:
    assert place(tmp_path / "x") == tmp_path / "x"
    code = (
        "from seeder.publish.keyfile import place\n"
        "from seeder.errors import ConfigError\n"
        "try: place(None)\n"
        "except ConfigError as error: print(error)\n"
    )
    root = Path(__file__).resolve().parents[2]
    env = {"PYTHONPATH": str(root), "HOME": "/proc/nowhere", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert "name a file with --keys" in done.stdout
