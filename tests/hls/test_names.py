from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.hls.names import (
    content_type,
    hidden,
    is_playable,
    is_safe,
    literal_path,
    quote_path,
    requested_path,
    stream_url,
)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("seg1.ts", "v0/seg1.ts"),
        ("a b.ts", "v0/a b.ts"),
        ("a%20b.ts", "v0/a b.ts"),
        ("s%C3%A4g.ts", "v0/säg.ts"),
        ("säg.ts", "v0/säg.ts"),
        ("a%23b%3F.ts", "v0/a#b?.ts"),
        ("100%25.ts", "v0/100%.ts"),
        ("seg.ts?v=2", "v0/seg.ts"),
        ("../init.mp4", "init.mp4"),
        ("./seg.ts", "v0/seg.ts"),
        ("../../secret", None),
        ("../../../etc/passwd", None),
        ("%2e%2e/%2e%2e/etc/passwd", None),
        ("..%2f..%2fetc/passwd", None),
        ("..%5c..%5cetc", None),
        ("/etc/passwd", None),
        ("//host/seg.ts", None),
        ("http://host/seg.ts", None),
        ("file:///etc/passwd", None),
        ("data:text/plain,x", None),
        (".hidden.ts", None),
        ("%2ehidden.ts", None),
        ("a%00b.ts", None),
        ("a%ffb.ts", None),
        ("seg.ts.tmp", None),
        ("?only=query", None),
    ],
)
def test_a_uri_is_asked_for_by_one_path_within_its_stream_or_by_none(uri: str, path: str | None) -> None:
    assert requested_path("v0/index.m3u8", uri) == path


segments = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\"), min_size=1)


@given(st.lists(segments, min_size=1, max_size=4).map("/".join))
def test_every_path_survives_its_url(path: str) -> None:
    if not is_safe(path):
        return
    assert requested_path("index.m3u8", quote_path(path)) == path
    url = urlsplit(stream_url("https://host:1/prefix", "my stream#1", path))
    assert not url.query
    assert not url.fragment
    assert unquote(url.path) == f"/prefix/live/my stream#1/{path}"


@given(st.text(), st.text())
def test_no_uri_leads_out_of_the_stream(playlist: str, uri: str) -> None:
    for path in (requested_path(playlist, uri), literal_path(playlist, uri)):
        if path is not None:
            assert is_safe(path)
            assert ".." not in path.split("/")
            assert not path.startswith("/")


@given(
    st.sampled_from(
        ["index.m3u8", "v0/index.m3u8", "../x/i.m3u8", ".v/i.m3u8", "a b/i.m3u8", "a%20b/i.m3u8"]
    ),
    st.lists(
        st.sampled_from(["seg", "1", ".", "..", "/", "-", "~", "?", "#", ":", "%41", ".ts", ".tmp"])
    ).map("".join),
)
def test_the_short_way_leads_where_the_long_one_does(playlist: str, uri: str) -> None:
    if uri.startswith(("/", "?", "#")) or ":" in uri or not uri:
        return  # with ./ before it these mean something else
    assert requested_path(playlist, uri) == requested_path(playlist, f"./{uri}")


def test_temporary_and_dot_files_are_hidden() -> None:
    assert hidden("index.m3u8.tmp")
    assert hidden("v0/.seg.ts")
    assert hidden(".git/x")
    assert not hidden("v0/seg.ts")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.m3u8", "application/vnd.apple.mpegurl"),
        ("a.TS", "video/mp2t"),
        ("a.m4s", "video/iso.segment"),
        ("a.mp4", "video/mp4"),
        ("a.webm", "video/webm"),
        ("a.vtt", "text/vtt; charset=utf-8"),
        ("key", "application/octet-stream"),
    ],
)
def test_content_types_follow_the_suffix(path: str, expected: str) -> None:
    assert content_type(path) == expected


@pytest.mark.parametrize("kind", ["video/mp2t", "audio/aac", "text/vtt", "application/mp4"])
def test_media_keeps_its_servers_word(kind: str) -> None:
    assert is_playable(kind)


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "text/javascript", "video/mp4\r\nX: y", ""])
def test_what_a_browser_would_run_does_not(kind: str) -> None:
    assert not is_playable(kind)
