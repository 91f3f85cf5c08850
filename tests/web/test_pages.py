from __future__ import annotations

import gzip
import threading
from pathlib import Path

import pytest

from seeder.web.bundle_files import Bundle, load_bundle
from seeder.web.link import Connection
from tests.web.conftest import BUNDLE, Open, Site, write_bundle


@pytest.mark.parametrize(
    ("path", "name", "content_type"),
    [
        ("/", "pages/index.html", "text/html; charset=utf-8"),
        ("/watch/demo", "pages/watch.html", "text/html; charset=utf-8"),
        ("/studio", "pages/studio.html", "text/html; charset=utf-8"),
        ("/sw.js", "sw.js", "text/javascript; charset=utf-8"),
        ("/embed.js", "embed.js", "text/javascript; charset=utf-8"),
        ("/client/player.js", "client/player.js", "text/javascript; charset=utf-8"),
        ("/client/style.css", "pages/style.css", "text/css; charset=utf-8"),
        ("/client/favicon.svg", "pages/favicon.svg", "image/svg+xml"),
        ("/favicon.ico", "pages/favicon.svg", "image/svg+xml"),
    ],
)
async def test_the_browsers_files_are_served(site: Site, path: str, name: str, content_type: str) -> None:
    got = await site.fetch(path)
    assert (got.status, got.body) == (200, BUNDLE[name])
    assert got.headers["content-type"] == content_type
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["cache-control"] == "no-cache"
    packed = await site.fetch(path, accept_encoding="gzip")
    assert gzip.decompress(packed.body) == BUNDLE[name]
    again = await site.fetch(path, if_none_match=got.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    head = await site.fetch(path, "HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(BUNDLE[name])))


async def test_a_script_named_by_its_content_is_cached_for_ever(site: Site) -> None:
    got = await site.fetch("/client/shared-ABCD2345.js")
    assert got.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_a_visit_needs_neither_quart_nor_hypercorn(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs a first picture several ms, some ten times a visit."""
    monkeypatch.setattr(Connection, "run", None)
    for path in ("/", "/watch/demo", "/client/player.js", "/client/large.js", "/sw.js", "/watch/soon"):
        assert (await site.fetch(path, accept_encoding="gzip")).body


async def test_the_bundle_is_read_before_anybody_asks(open_site: Open, bundle: Bundle) -> None:
    reads: list[int] = []

    def load() -> Bundle:
        reads.append(threading.get_ident())
        return bundle

    site = await open_site(bundle=load)
    for count in range(2):
        assert len(reads) == 1, count
        await site.fetch("/")
    assert reads != [threading.get_ident()]  # 4 MB are packed: the loop serves others meanwhile


@pytest.mark.parametrize("path", ["/", "/watch/demo", "/embed.js", "/client/player.js"])
async def test_pages_are_only_read(site: Site, path: str) -> None:
    refused, allowed = await site.fetch(path, "POST"), await site.fetch(path, "OPTIONS")
    assert (refused.status, allowed.status, allowed.body) == (405, 204, b"")
    assert refused.headers["allow"] == allowed.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_the_worker_may_have_the_whole_site(site: Site) -> None:
    got = await site.fetch("/sw.js")
    assert got.headers["service-worker-allowed"] == "/"


async def test_other_sites_may_include_the_scripts_and_frame_only_the_player(site: Site) -> None:
    for path in ("/embed.js", "/client/player.js"):
        assert (await site.fetch(path)).headers["access-control-allow-origin"] == "*"
    index, watch = await site.fetch("/"), await site.fetch("/watch/demo")
    assert "frame-ancestors 'none'" in index.headers["content-security-policy"]
    assert index.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors *" in watch.headers["content-security-policy"]
    assert "x-frame-options" not in watch.headers
    for page in (index, watch):
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "camera=()" in page.headers["permissions-policy"]
        assert "autoplay" not in page.headers["permissions-policy"], "the framing site's to give"


async def test_the_studio_alone_may_use_camera_and_screen_and_talks_to_nobody_but_us(site: Site) -> None:
    studio = (await site.fetch("/studio")).headers
    for feature in ("camera", "microphone", "display-capture"):
        assert f"{feature}=(self)" in studio["permissions-policy"]
        assert f"{feature}=()" in (await site.fetch("/")).headers["permissions-policy"]
    policy = studio["content-security-policy"]
    assert "connect-src 'self';" in policy
    assert "worker-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert studio["x-frame-options"] == "DENY"


async def test_the_page_that_holds_the_admins_token_talks_to_nobody_but_us_either(site: Site) -> None:
    admin = (await site.fetch("/admin")).headers
    policy = admin["content-security-policy"]
    assert "connect-src 'self';" in policy
    assert "worker-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "camera=()" in admin["permissions-policy"]
    assert admin["x-frame-options"] == "DENY"


async def test_the_page_of_a_stream_that_is_not_there_yet_waits_for_it(site: Site) -> None:
    got = await site.fetch("/watch/soon")
    assert (got.status, got.body) == (404, BUNDLE["pages/watch.html"])
    again = await site.fetch("/watch/soon", if_none_match=got.headers["etag"])
    assert again.status == 404  # 304 would say that it is there


@pytest.mark.parametrize(
    "path",
    [
        "/watch/",
        "/watch/demo/",
        "/watch/demo/x",
        "/client/",
        "/client/nothing.js",
        "/client/index.html",
        "/client/.stamp",
        "/client/../sw.js",
        "/client/..%2fsw.js",
        "/client/%2e%2e/app.py",
        "/client//etc/passwd",
        "/.stamp",
        "/static/x",
        "/nothing",
    ],
)
async def test_nothing_else_is_there(site: Site, path: str) -> None:
    got = await site.fetch(path)
    assert got.status == 404
    assert got.headers["content-type"] == "text/plain; charset=utf-8"
    assert got.body.count(b"\n") == 1


async def test_a_missing_bundle_says_how_to_build_it_and_is_found_once_built(
    open_site: Open, tmp_path: Path
) -> None:
    site = await open_site(bundle=lambda: load_bundle(tmp_path / "later"))
    got = await site.fetch("/")
    assert got.status == 503
    assert b"make bundle" in got.body
    assert (await site.fetch("/live/demo/master.m3u8")).status == 200
    write_bundle(tmp_path / "later")
    assert (await site.fetch("/")).body == BUNDLE["pages/index.html"]


def test_a_bundle_is_read_whole_without_hidden_files(bundle: Bundle) -> None:
    assert {name for name in BUNDLE if bundle.get(name) is None} == {".stamp"}


def test_no_bundle_is_an_empty_one(tmp_path: Path) -> None:
    assert not load_bundle(tmp_path / "nowhere")
