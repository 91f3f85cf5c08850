from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from seeder.errors import IngestError
from seeder.ingest.sources import Source, SourceKind, classify, mask

HOME = PurePosixPath("/home/me")


@pytest.mark.parametrize(
    ("given", "kind", "target", "format_"),
    [
        (None, SourceKind.PICTURE, "", ""),
        ("film.mp4", SourceKind.FILE, "file:/home/me/film.mp4", ""),
        ("/films/a: b.mkv", SourceKind.FILE, "file:/films/a: b.mkv", ""),
        ("-i", SourceKind.FILE, "file:/home/me/-i", ""),
        ("file:///films/a.mp4", SourceKind.FILE, "file:/films/a.mp4", ""),
        ("file:a.mp4", SourceKind.FILE, "file:/home/me/a.mp4", ""),
        ("rtmp://host/app/key", SourceKind.URL, "rtmp://host/app/key", ""),
        ("srt://host:9000?mode=caller", SourceKind.URL, "srt://host:9000?mode=caller", ""),
        ("udp://239.0.0.1:1234", SourceKind.URL, "udp://239.0.0.1:1234", ""),
        ("/dev/video0", SourceKind.DEVICE, "/dev/video0", "v4l2"),
        ("avfoundation:0:0", SourceKind.DEVICE, "0:0", "avfoundation"),
        ("-", SourceKind.STDIN, "pipe:0", ""),
    ],
)
def test_what_an_input_is_follows_from_how_it_is_written(
    given: str | None, kind: SourceKind, target: str, format_: str
) -> None:
    source = classify(given, HOME)
    assert (source.kind, source.target, source.format) == (kind, target, format_)


@pytest.mark.parametrize("given", ["", "a\0b", "v4l2:"])
def test_what_cannot_be_an_input_is_an_ingest_error(given: str) -> None:
    with pytest.raises(IngestError):
        classify(given, HOME)


def test_rtsp_goes_over_tcp_where_the_server_has_it() -> None:
    assert classify("rtsp://camera/1", HOME).options == ("-rtsp_flags", "prefer_tcp")


@pytest.mark.parametrize(
    ("target", "listens"),
    [
        ("srt://0.0.0.0:9000?mode=listener", True),
        ("rtmp://0.0.0.0:1935/app/key?listen=1", True),
        ("srt://host:9000?mode=caller", False),
        ("http://host/?listener=none", False),
    ],
)
def test_an_input_that_waits_for_a_publisher_is_not_opened_to_look_at_it(target: str, listens: bool) -> None:
    source = Source(SourceKind.URL, target)
    assert (source.listens, source.can_be_opened_twice) == (listens, not listens)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("rtsp://me:pass@camera:554/live", "rtsp://***@camera:554/live"),
        (
            "Error opening input http://u:p@w@host/a.ts: refused",
            "Error opening input http://***@host/a.ts: refused",
        ),
        ("https://host/a.m3u8?token=abc&e=1#x", "https://host/a.m3u8?token=***&e=***"),
        (
            "srt://host:9000?passphrase=secretsecret&streamid=me",
            "srt://host:9000?passphrase=***&streamid=***",
        ),
        ("rtmp://host/app/live_KEY", "rtmp://host/app/***"),
        ("rtmps://host/app/live_KEY: Input/output error", "rtmps://host/app/***: Input/output error"),
        ("'rtmp://host/app/key?auth=1'", "'rtmp://host/app/***?auth=***'"),
        ("/films/a.mp4: Invalid data", "/films/a.mp4: Invalid data"),
        ("http://host/a.ts", "http://host/a.ts"),
        ("rtsp://me:pa/ss?w@cam/1: Invalid argument", "rtsp://***@cam/1: Invalid argument"),
        ("HTTP://host/a?sig=abc: Protocol not found", "HTTP://host/a?sig=*** Protocol not found"),
        ("RTMP://host/app/live_KEY", "RTMP://host/app/***"),
        ("https://host/a.m3u8#secret", "https://host/a.m3u8#***"),
    ],
)
def test_credentials_are_masked(text: str, masked: str) -> None:
    assert mask(text) == masked
