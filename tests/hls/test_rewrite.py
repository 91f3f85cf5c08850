from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seeder.hls.playlist import MediaPlaylist, parse, split_lines
from seeder.hls.rewrite import rewrite

BASE = "https://cdn.example/live/show/index.m3u8?token=t"

MEDIA = """#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:4
#EXT-X-DEFINE:QUERYPARAM="token"
#EXT-X-KEY:METHOD=AES-128,URI="../key.bin",IV=0x1
#EXT-X-MAP:URI="init.mp4",BYTERANGE="10@0"
#EXT-X-DATERANGE:ID="ad",X-ASSET-URI="ad/master.m3u8"
# a comment with a/relative.ts
#EXT-X-COM-VENDOR:URI="theirs.ts"
#EXTINF:4,title with a.ts
seg1.m4s?x=1&y=%2F
#EXTINF:4,
/abs/seg2.m4s
#EXTINF:4,
//other.example/seg3.m4s
#EXTINF:4,
https://third.example/seg4.m4s
#EXTINF:4,
seg5.m4s?t={$token}
#EXT-X-PART:DURATION=1,URI="seg6.0.m4s"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="seg6.1.m4s"
#EXT-X-RENDITION-REPORT:URI="../low/index.m3u8",LAST-MSN=6
"""


def changed(before: str, after: str) -> dict[str, str]:
    pairs = zip(split_lines(before), split_lines(after), strict=True)
    return {old.strip(): new.strip() for old, new in pairs if old != new}


def test_every_uri_becomes_its_home_and_nothing_else_changes() -> None:
    found = rewrite(MEDIA, BASE)
    home = "https://cdn.example/live"
    assert changed(MEDIA, found.text) == {
        '#EXT-X-KEY:METHOD=AES-128,URI="../key.bin",IV=0x1': (
            f'#EXT-X-KEY:METHOD=AES-128,URI="{home}/key.bin",IV=0x1'
        ),
        '#EXT-X-MAP:URI="init.mp4",BYTERANGE="10@0"': (
            f'#EXT-X-MAP:URI="{home}/show/init.mp4",BYTERANGE="10@0"'
        ),
        '#EXT-X-DATERANGE:ID="ad",X-ASSET-URI="ad/master.m3u8"': (
            f'#EXT-X-DATERANGE:ID="ad",X-ASSET-URI="{home}/show/ad/master.m3u8"'
        ),
        "seg1.m4s?x=1&y=%2F": f"{home}/show/seg1.m4s?x=1&y=%2F",
        "/abs/seg2.m4s": "https://cdn.example/abs/seg2.m4s",
        "//other.example/seg3.m4s": "https://other.example/seg3.m4s",
        "seg5.m4s?t={$token}": f"{home}/show/seg5.m4s?t=t",
        '#EXT-X-PART:DURATION=1,URI="seg6.0.m4s"': f'#EXT-X-PART:DURATION=1,URI="{home}/show/seg6.0.m4s"',
        '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="seg6.1.m4s"': (
            f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{home}/show/seg6.1.m4s"'
        ),
        '#EXT-X-RENDITION-REPORT:URI="../low/index.m3u8",LAST-MSN=6': (
            f'#EXT-X-RENDITION-REPORT:URI="{home}/low/index.m3u8",LAST-MSN=6'
        ),
    }
    playlist = parse(found.text)
    assert isinstance(playlist, MediaPlaylist)
    assert [found.homes[s.uri_line] for s in playlist.segments] == [s.uri for s in playlist.segments]


def test_what_is_served_here_gets_its_place_here() -> None:
    text = (
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="URI=",URI="a.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\nhi/index.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2,AUDIO="a"\n'
        'hi/index.m3u8\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="i.m3u8"\n#EXT-X-SESSION-DATA:DATA-ID="d",URI="d"\n'
    )
    here = {"https://h/hi/index.m3u8": "v0/index.m3u8", "https://h/a.m3u8": "a0/index.m3u8"}
    found = rewrite(text, "https://h/m.m3u8", here.get)
    assert found.playlists == ("https://h/a.m3u8", "https://h/hi/index.m3u8", "https://h/i.m3u8")
    assert 'NAME="URI=",URI="a0/index.m3u8"' in found.text
    assert found.text.count("\nv0/index.m3u8\n") == 2
    assert 'URI="https://h/i.m3u8"' in found.text
    assert 'URI="https://h/d"' in found.text


def test_variables_come_by_value_from_above_and_from_the_query() -> None:
    text = (
        '#EXTM3U\n#EXT-X-DEFINE:NAME="host",VALUE="https://a.example"\n#EXT-X-DEFINE:IMPORT="path"\n'
        '#EXT-X-DEFINE:QUERYPARAM="k"\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{$host}/{$path}/1.ts?k={$k}\n'
        "#EXTINF:1,\n{$missing}/2.ts\n"
    )
    found = rewrite(text, "https://b.example/x.m3u8?k=v", imported={"path": "p"})
    assert list(found.homes.values()) == ["https://a.example/p/1.ts?k=v"]
    assert "\n{$missing}/2.ts\n" in found.text, "a player must be told, not misled"


def test_keys_of_drm_systems_and_what_no_browser_would_fetch_stay_as_they_are() -> None:
    for uri in (
        "skd://asset",
        "data:text/plain;base64,AAAA",
        "urn:uuid:1",
        "javascript:alert(1)",
        "ftp://h/k",
    ):
        text = (
            f'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="{uri}"\n#EXTINF:1,\na.ts\n'
        )
        assert uri in rewrite(text, BASE).text


@given(st.text(), st.sampled_from(["\n", "\r\n", "\r"]))
def test_lines_stay_as_many_as_they_were_whatever_they_are(noise: str, end: str) -> None:
    text = MEDIA.replace("\n", end) + noise
    found = rewrite(text, BASE)
    assert len(split_lines(found.text)) == len(split_lines(text))
    for old, new in zip(split_lines(text), split_lines(found.text), strict=True):
        if old.startswith("#") and "URI" not in old and "X-ASSET-LIST" not in old:
            assert new == old
