"""What the browser downloads."""

from __future__ import annotations

import json
import re
from pathlib import Path

from bench import bundle_size

ENTRIES = {"sw.js", "embed.js", "client/player.js", "client/site.js", "client/demo.js", "client/watch.js"}
APART = {"client/front.js": 10_000, "client/studio.js": 30_000, "client/admin.js": 10_000}
"""Pages without the engine, and how many bytes, gzipped, each has at most."""
BUDGET = 75_000
"""Bytes, gzipped, that any page of ours loads in all, but hls.js."""


def scripts(bundle: Path) -> dict[str, str]:
    return {f.relative_to(bundle).as_posix(): f.read_text() for f in bundle.rglob("*.js")}


def test_every_entry_has_its_stable_name(bundle: Path) -> None:
    assert set(scripts(bundle)) >= ENTRIES | set(APART)


def test_everything_else_is_named_by_its_content(bundle: Path) -> None:
    for name in set(scripts(bundle)) - ENTRIES - set(APART):
        assert re.fullmatch(r"client/[\w.]+-[A-Z0-9]{8}\.js", name), name


def test_the_client_fits_its_budget_without_hls_js(bundle: Path) -> None:
    sizes = json.loads((bundle / "sizes.json").read_text())
    assert set(sizes) == set(scripts(bundle))
    assert all(sizes[entry]["imports"] == [] for entry in APART)
    for entry in bundle_size.ENTRIES:
        loaded = bundle_size.page_load(sizes, entry)
        assert "sw.js" in loaded
        assert sum(sizes[name]["gzip"] for name in loaded) <= BUDGET, (entry, sizes)


def test_a_page_without_a_player_is_small(bundle: Path) -> None:
    sizes = json.loads((bundle / "sizes.json").read_text())
    for entry, most in APART.items():
        assert sizes[entry]["imports"] == [], entry
        assert sizes[entry]["gzip"] <= most, entry


def test_hls_js_is_a_chunk_of_its_own(bundle: Path) -> None:
    sizes = json.loads((bundle / "sizes.json").read_text())
    assert [name.split("-")[0] for name, size in sizes.items() if size["hls"]] == ["client/hls"]


def test_the_question_is_a_chunk_that_nobody_loads_who_is_not_asked(bundle: Path) -> None:
    sizes = json.loads((bundle / "sizes.json").read_text())
    (name,) = [name for name, size in sizes.items() if size["seldom"]]
    assert name.startswith("client/notice-")
    text = scripts(bundle)
    statically = [
        other for other in text if re.search(rf'from ?"[^"]*{re.escape(Path(name).name)}"', text[other])
    ]
    assert statically == []


def test_the_controls_are_a_chunk_that_comes_after_the_engine(bundle: Path) -> None:
    sizes = json.loads((bundle / "sizes.json").read_text())
    (name,) = [name for name, size in sizes.items() if size["face"]]
    assert name.startswith("client/controls-")
    text = scripts(bundle)
    statically = [
        other for other in text if re.search(rf'from ?"[^"]*{re.escape(Path(name).name)}"', text[other])
    ]
    assert statically == []
    assert Path(name).name in text["client/watch.js"]


def test_the_worker_and_the_embed_script_are_plain_scripts(bundle: Path) -> None:
    for name in ("sw.js", "embed.js"):
        assert not re.search(r"^\s*(import|export)\b", (bundle / name).read_text(), re.MULTILINE), name


def test_no_update_of_a_wire_waits_for_an_idle_browser(bundle: Path) -> None:
    assert not any("requestIdleCallback" in text for text in scripts(bundle).values())


def test_no_script_names_a_server_of_others(bundle: Path) -> None:
    """A page asks its origin and the operator's tracker and STUN servers, nobody else."""
    for name, text in scripts(bundle).items():
        found = set(re.findall(r"(?:stun|turn|wss?):/{0,2}[\w-]+\.[\w.-]+", text))
        assert not found, (name, found)


def test_pages_load_nothing_from_others(bundle: Path) -> None:
    pages = [*bundle.glob("pages/*.html"), *bundle.glob("pages/*.css")]
    assert pages
    for page in pages:
        loads = re.findall(
            r"""(?:src|href)=["']?(?:https?:)?//|url\(["']?(?:https?:)?//|@import""", page.read_text()
        )
        assert not loads, page.name


def test_every_map_belongs_to_a_script(bundle: Path) -> None:
    for source_map in bundle.rglob("*.map"):
        assert source_map.with_suffix("").exists(), source_map.name


def test_the_licences_of_what_is_inside_come_along(bundle: Path) -> None:
    notices = (bundle / "THIRD-PARTY.txt").read_text()
    for package in ("webtorrent 3.", "hls.js 1.", "streamx 2.", "bittorrent-protocol 5."):
        assert f"\n{package}" in notices
    assert "Apache License" in notices
    assert "WITHOUT WARRANTY OF ANY KIND" in notices
