"""docs/operating.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seeder.config import Config
from seeder.settings import SETTINGS, Setting
from seeder.stats.snapshot import Snapshot
from seeder.web.metrics import INGEST_STATES, families

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "operating.md").read_text("utf-8")


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
def test_every_setting_is_in_the_table_with_its_three_spellings_and_its_default(setting: Setting) -> None:
    start = f"| `{setting.flag}` | `{setting.name}` | `{setting.variable}` | "
    rows = [line for line in TEXT.splitlines() if line.startswith(start)]
    assert len(rows) == 1, start
    default = getattr(Config(), setting.name)
    shown = rows[0].removeprefix(start).split(" | ")[0].strip("`")
    in_words = {"feed", "public_url", "tracker", "swarm", "stun", "bt_port", "ffmpeg", "tls_cert", "tls_key"}
    in_words |= {"turn", "turn_secret_file", "max_upload", "max_ratio", "publish", "keys", "admin_token_file"}
    in_words |= {"jwt_key", "jwt_audience", "publish_hook", "api_input"}
    in_words |= {"storage", "storage_endpoint", "storage_region", "storage_public_url", "storage_credentials"}
    in_words |= {"publish_from", "webhook", "webhook_secret_file", "webhook_events"}
    if setting.name in in_words:
        assert not default  # told in words
        assert re.search("[a-z]", shown)
    else:
        assert setting.parse(shown) == default


def test_every_metric_is_listed() -> None:
    for family in families(Snapshot()):
        name = family.name.removeprefix("live_torrent_") + ("_total" if family.type == "counter" else "")
        assert f"`{name}`" in TEXT, name
    assert ", ".join(INGEST_STATES[:-1]) in TEXT


def test_the_readme_links_here_and_shows_the_page() -> None:
    root = Path(__file__).resolve().parent.parent
    readme = (root / "README.md").read_text("utf-8")
    linked = re.findall(r"\]\(([^)#:]+)\)", readme)
    assert "docs/operating.md" in linked
    assert [path for path in linked if not (root / path).exists()] == []
