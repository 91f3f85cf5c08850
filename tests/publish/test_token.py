"""Where the admin's token comes from."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from seeder.errors import ConfigError
from seeder.publish.token import admin_token

TOKEN = "a-token-of-the-operators"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "live-torrent"


def test_the_first_run_makes_one_and_says_where_but_not_what(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = admin_token(None, {})
    assert token is not None
    assert re.fullmatch("lta_[A-Za-z0-9]{32}", token)
    file = state / "admin.token"
    assert file.read_text() == f"{token}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in state.iterdir()] == ["admin.token"]
    assert str(file) in caplog.text
    assert token not in caplog.text
    caplog.clear()
    assert admin_token(None, {}) == token
    assert caplog.text == ""
    file.unlink()
    assert admin_token(None, {}) not in (None, token), "who deletes it has another one made"


def test_the_variable_comes_first_and_no_child_inherits_it(tmp_path: Path, state: Path) -> None:
    (tmp_path / "token").write_text("another-token-in-a-file\n")
    environ = {"LIVE_TORRENT_ADMIN_TOKEN": TOKEN, "HOME": "/"}
    assert admin_token(tmp_path / "token", environ) == TOKEN
    assert environ == {"HOME": "/"}
    assert admin_token(tmp_path / "token", environ) == "another-token-in-a-file"
    assert not (state / "admin.token").exists()


@pytest.mark.parametrize(
    "text", ["", "short", "two words are not a token", "x" * 1025, "ümlaut-is-not-ascii"]
)
def test_what_cannot_be_a_token_is_an_error_that_does_not_tell_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text)
    with pytest.raises(ConfigError) as told:
        admin_token(tmp_path / "token", {})
    assert not text or text not in str(told.value)
    if text:
        with pytest.raises(ConfigError, match="LIVE_TORRENT_ADMIN_TOKEN: "):
            admin_token(None, {"LIVE_TORRENT_ADMIN_TOKEN": text})


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the admin token"):
        admin_token(tmp_path / "nowhere", {})
