"""What the API may have ffmpeg read."""

from __future__ import annotations

from pathlib import Path

import pytest

from seeder.ingest.allowed import NotAllowedError, allowed

SERVERS = ("rtsp://camera.local", "https://*.example.org:8443", "srt://10.0.0.7:9000")


@pytest.mark.parametrize(
    "given",
    ["rtsp://camera.local/1", "rtsp://me:pw@CAMERA.local/1?a=b", "https://a.b.example.org:8443/x.m3u8",
     "srt://10.0.0.7:9000?streamid=x"],
)  # fmt: skip
def test_what_is_on_a_server_that_was_named_is_allowed(given: str) -> None:
    assert allowed(given, SERVERS) == given


@pytest.mark.parametrize(
    "given",
    [
        "rtsp://other.local/1", "rtsp://camera.local:81/1", "rtsps://camera.local/1", "http://camera.local/1",
        "rtsp://other.local@camera.local@other.local/", "rtsp://camera.local\\@other.local/1",
        "rtsp://camera.local#@other.local/1", "rtsp://camera.local?@other.local/1",
        "rtsp://camera.local.evil.example/1", "https://example.org:8443/", "https://evilexample.org:8443/",
        "https://a.example.org/x", "srt://10.0.0.7:9000?mode=listener", "srt://10.0.0.7:9000?localaddr=x",
        "concat:/etc/passwd|x", "subfile,,start,0,end,9,,:/etc/passwd", "file:///etc/passwd", "/etc/passwd",
        "lavfi:movie=/etc/passwd", "v4l2:/dev/video0", "data:text/plain,x", "tcp://camera.local:1", "-",
        "async:rtsp://camera.local/1", "rtsp://[::1/", "rtsp://camera.local:x/", "",
        "rtsp://camera.local/1\nfile:///etc/passwd", "rtsp://camera.local/1\n/etc/passwd",
    ],
)  # fmt: skip
def test_nothing_else_is(given: str) -> None:
    with pytest.raises(NotAllowedError) as refused:
        allowed(given, SERVERS)
    assert len(given) < 2 or given not in str(refused.value)


def test_without_entries_nothing_is() -> None:
    with pytest.raises(NotAllowedError, match="--api-input"):
        allowed("rtsp://camera.local/1", ())


def test_files_are_those_beneath_a_folder_wherever_links_lead(tmp_path: Path) -> None:
    films, secret = tmp_path / "films", tmp_path / "secret.mp4"
    (films / "old").mkdir(parents=True)
    (films / "old" / "a.mp4").touch()
    secret.touch()
    (films / "link.mp4").symlink_to(secret)
    (films / "inside.mp4").symlink_to(films / "old" / "a.mp4")
    entries = (str(films),)
    found = str(films / "old" / "a.mp4")
    assert allowed("old/a.mp4", entries) == allowed(found, entries) == allowed("inside.mp4", entries) == found
    for given in ("../secret.mp4", "link.mp4", str(secret), "old", "nothing.mp4", "a\0b", "/dev/video0"):
        with pytest.raises(NotAllowedError):
            allowed(given, entries)


def test_a_list_of_inputs_is_not_allowed_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("/etc/passwd\n")
    (tmp_path / "film.mp4").symlink_to("list.txt")
    for given in ("list.txt", "film.mp4"):
        with pytest.raises(NotAllowedError):
            allowed(given, [str(tmp_path)])
