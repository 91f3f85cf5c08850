"""``live-torrent keys …``, the real command."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from seeder.publish.keyfile import KeyFile

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_key_is_made_listed_rotated_and_revoked(run_command: Run, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / ".local" / "state" / "live-torrent" / "keys.json")
    made = run_command("keys", "create", "garden", "--label", "OBS", "--expires", "30d")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    assert re.fullmatch("lt_[A-Za-z0-9]{27}", key), "a script takes stdout as it is"
    assert "shown this once" in made.stderr
    (kept,) = file.read()
    assert file.read().match(key) == kept
    assert kept.id in made.stderr

    listed = run_command("keys", "list")
    assert listed.stdout.splitlines()[0].split() == [
        "ID",
        "STREAM",
        "CREATED",
        "EXPIRES",
        "LAST",
        "USED",
        "LABEL",
    ]
    assert listed.stdout.splitlines()[1].split()[:2] == [kept.id, "garden"]
    assert key not in listed.stdout
    as_json = json.loads(run_command("keys", "list", "--json").stdout)["keys"]
    assert [(row["id"], row["label"], row["srt"]) for row in as_json] == [(kept.id, "OBS", False)]

    rotated = json.loads(run_command("keys", "rotate", "garden", "--keep", "1h", "--json").stdout)
    assert file.read().match(rotated["key"]) is not None
    assert {each.id for each in file.read()} == {kept.id, rotated["id"]}
    assert "garden has 2 keys" in run_command("keys", "rotate", "garden").stderr
    for ident in (kept.id, rotated["id"]):
        assert run_command("keys", "revoke", ident).stdout == f"{ident} is revoked\n"
    assert file.read().all == ()
    assert "nobody can publish" in run_command("keys", "list").stderr


def test_without_a_verb_it_teaches_by_example(run_command: Run) -> None:
    told = run_command("keys")
    assert (told.returncode, told.stderr) == (0, "")
    assert '  live-torrent keys create garden --label "OBS in the shed"\n' in told.stdout


def test_the_file_can_be_named_in_every_way(run_command: Run, tmp_path: Path) -> None:
    (tmp_path / "lt.toml").write_text('keys = "configured.json"\n')
    run_command("keys", "create", "garden", "--keys", str(tmp_path / "flag.json"), "--srt-passphrase")
    run_command("keys", "create", "garden", "--config", str(tmp_path / "lt.toml"))
    run_command("keys", "create", "garden", env={"LIVE_TORRENT_KEYS": str(tmp_path / "variable.json")})
    kept = [KeyFile(tmp_path / f"{name}.json").read().all[0] for name in ("flag", "configured", "variable")]
    assert [each.passphrase is not None for each in kept] == [True, False, False]


def test_what_is_wrong_is_one_line(run_command: Run, tmp_path: Path) -> None:
    for arguments, told in (
        (("create", "a/b"), "cannot name a stream"),
        (("create", "garden", "--expires", "soon"), "--expires: a time such as 30d"),
        (("create", "garden", "--keys", str(tmp_path / "no" / "keys.json")), "cannot write the keys"),
        (("revoke", "nothing"), "no key has the id 'nothing'"),
    ):
        done = run_command("keys", *arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("live-torrent: error: ")
        assert told in line
