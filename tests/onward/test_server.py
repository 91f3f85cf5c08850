from __future__ import annotations

import pytest

from seeder.errors import ConfigError
from seeder.onward.server import server


def test_an_rtmp_servers_key_is_said_to_it_alone() -> None:
    found = server("rtmps://a.example/live/app/s3cret?auth=t0ken")
    assert found.rtmp is not None
    assert (found.rtmp.host, found.rtmp.port, found.rtmp.tls) == ("a.example", 443, True)
    assert (found.rtmp.app, found.rtmp.key) == ("live/app", "s3cret?auth=t0ken")
    assert found.arguments == ()
    assert "s3cret" not in repr(found)
    assert "s3cret" not in found.clean("cannot publish s3cret?auth=t0ken: s3cret is taken")


def test_what_holds_no_secret_is_ffmpegs() -> None:
    assert server("srt://[::1]:9000").arguments[-1] == "srt://[::1]:9000"
    assert server("srt://a.example:9000?latency=200000").arguments[:2] == ("-f", "mpegts")
    assert server("rtsp://a.example/garden").arguments[:2] == ("-f", "rtsp")


@pytest.mark.parametrize(
    "url",
    [
        "rtmp://me:s3cret@a.example/live/k", "rtsp://a.example/x?s3cret=1", "srt://a.example",
        "srt://a.example:1?mode=listener", "srt://a.example:1?latency=1&passphrase=s3cret", "rtmp:///live/s3cret",
        "srt://a.example:1?streamid=s3cret", "rtmp://a.example:port/live/s3cret", "rtmp://a.example/s3cret",
        "rtsp://me:s3cret@a.example/x",
    ],
)  # fmt: skip
def test_what_could_not_be_hidden_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        server(url)
    assert "s3cret" not in str(refused.value)
