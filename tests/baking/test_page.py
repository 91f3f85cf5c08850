"""The page of a stream."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import pytest

from seeder.baking.page import policy, watch_page
from seeder.errors import ServeError

TEMPLATE = (Path(__file__).resolve().parents[2] / "client/pages/watch.html").read_text()


def test_it_leads_to_the_files_beside_it_wherever_the_folder_is() -> None:
    page = watch_page(TEMPLATE, "a/b/watch.html", "a/b/100% #1.m3u8", 'A <"film">', "default-src 'none'")
    assert 'src="../../live-torrent/client/watch.js"' in page
    assert 'href="../../live-torrent/client/watch.css"' in page
    assert 'data-src="100%25%20%231.m3u8" data-mode="loader"' in page
    assert "<title>A &lt;&quot;film&quot;&gt;</title>" in page
    assert "default-src 'none'" in unescape(page)
    assert page.index("Content-Security-Policy") < page.index("<script"), (
        "a policy counts from where it stands"
    )
    top = watch_page(TEMPLATE, "watch.html", "x.m3u8", "x", "")
    assert 'src="live-torrent/client/watch.js"' in top


def test_a_page_it_does_not_know_is_refused() -> None:
    with pytest.raises(ServeError, match="make bundle"):
        watch_page("<html></html>", "watch.html", "x.m3u8", "x", "")


@pytest.mark.parametrize(
    ("tracker", "homes", "connect"),
    [
        ("wss://t.example/announce?key=1", (), "'self' wss://t.example"),
        (
            "ws://127.0.0.1:8008/announce",
            ("https://b", "https://a"),
            "'self' ws://127.0.0.1:8008 https://a https://b",
        ),
        ("ws://[::1]:8008/announce", (), "'self' ws:"),
    ],
)
def test_it_may_connect_to_the_tracker_and_nobody_else(
    tracker: str, homes: tuple[str, ...], connect: str
) -> None:
    rules = dict(rule.split(" ", 1) for rule in policy(tracker, homes).split("; "))
    assert rules["connect-src"] == connect
    assert (rules["default-src"], rules["script-src"]) == ("'none'", "'self'")
