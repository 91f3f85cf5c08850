"""``live-torrent check`` on our own output, and on sites that break what only a visitor sees."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from seeder.errors import ConfigError
from seeder.fetch import read_headers
from tests.fetch.hosting import Handler, host

Start = Callable[..., Awaitable[Any]]


async def check(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of the real command."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "seeder", "check", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def found(*arguments: str) -> set[str]:
    """Names of the rules that are broken."""
    _, out, _ = await check("--json", *arguments)
    return {finding["rule"] for finding in json.loads(out)["findings"]}


async def test_our_own_live_stream_breaks_no_rule(live_torrent: Start) -> None:
    ladder = ("--ladder", "360p,180p15,audio@64k")
    demo = await live_torrent("demo", "--no-open", "--segment-seconds", "1", *ladder)
    url = f"{demo.url}/live/demo/master.m3u8"
    async with asyncio.timeout(30):
        while (await check("--reloads", "1", url))[0] == 4:
            await asyncio.sleep(0.2)
    code, out, _ = await check("--strict", "--reloads", "5", "--json", url)
    report = json.loads(out)
    assert [f for f in report["findings"] if f["level"] != "advice"] == []
    assert (code, report["ok"]) == (0, True)
    assert report["playlists"] == 4
    assert report["reloads"] >= 15
    assert report["segments"] >= 15
    assert report["bytes"] > 10_000


async def test_what_ffmpeg_wrote_is_served_without_a_broken_rule(
    ffmpeg: str, live_torrent: Start, feed_dir: Path, ts_vod: Path, fmp4_vod: Path
) -> None:
    shutil.copytree(ts_vod, feed_dir / "film")
    shutil.copytree(fmp4_vod, feed_dir / "film4")
    for name, kind, source in (("single", "mpegts", ts_vod), ("single4", "fmp4", fmp4_vod)):
        (feed_dir / name).mkdir()
        command = [
            *(ffmpeg, "-nostdin", "-loglevel", "error", "-i", str(source / "index.m3u8"), "-c", "copy"),
            *("-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", "-hls_segment_type", kind),
            *("-hls_flags", "single_file", "index.m3u8"),
        ]
        subprocess.run(command, check=True, timeout=60, cwd=feed_dir / name)
    server = await live_torrent("serve", "--feed", str(feed_dir))
    for stream in ("film", "film4", "single", "single4"):
        address = f"{server.url}/live/{stream}"
        code, out, _ = await check("--segments", "-1", f"{address}/master.m3u8")
        assert code == 0, out
        assert "6 segments" in out
        async with aiohttp.ClientSession() as session, session.get(f"{address}/index.m3u8") as answer:
            text = await answer.text()
        assert text.count("MAGNET") == 6, "of each segment it was seen that it is its torrent's"
        assert ("#EXT-X-BYTERANGE" in text) == stream.startswith("single")


async def test_a_local_playlist_is_checked_offline(ts_vod: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(ts_vod, tmp_path / "film")
    code, out, _ = await check(str(folder / "index.m3u8"))
    assert code == 0, out
    playlist = (
        (folder / "index.m3u8").read_text().replace("#EXT-X-TARGETDURATION:2", "#EXT-X-TARGETDURATION:1")
    )
    (folder / "index.m3u8").write_text(playlist)
    (folder / "seg5.ts").unlink()
    code, out, _ = await check(str(folder / "index.m3u8"))
    assert code == 1
    lines = out.splitlines()
    assert any(line.startswith("must   4.4.3.1   extinf-above-target  index.m3u8:") for line in lines), out
    assert any("not-delivered" in line and "no such file" in line for line in lines), out


MASTER = "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n" + "".join(
    f'#EXT-X-STREAM-INF:BANDWIDTH=9000000,AVERAGE-BANDWIDTH=9000000,CODECS="avc1.4d401f",RESOLUTION=64x36\n{n}\n'
    for n in ("low.m3u8", "high.m3u8")
)
MEDIA = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n" + "".join(f"#EXTINF:1,\ns{n}.ts\n" for n in range(3))
TS = (b"\x47\x40\0\x10" + bytes(184)) * 2


def serving(kind: str, *bodies: bytes | str) -> Handler:
    """Each answer has the next of the bodies; the last one stays."""
    turn = count()

    async def page(request: web.Request) -> web.Response:
        body = bodies[min(next(turn), len(bodies) - 1)]
        data = body.encode() if isinstance(body, str) else body
        headers = {"Content-Type": kind, "Access-Control-Allow-Origin": "*"}
        return web.Response(body=data, headers=headers)

    return page


HLS = "application/vnd.apple.mpegurl"


def site(**changed: Handler) -> dict[str, Handler]:
    pages = {
        "master.m3u8": serving(HLS, MASTER),
        "low.m3u8": serving(HLS, MEDIA),
        "high.m3u8": serving(HLS, MEDIA),
    }
    pages |= {f"s{n}.ts": serving("video/mp2t", TS) for n in range(3)}
    return pages | {name.replace("_", "."): handler for name, handler in changed.items()}


async def test_a_visitor_sees_what_no_single_playlist_shows() -> None:
    async with host(site()) as base:
        assert await found("--reloads", "1", f"{base}/master.m3u8") == set()
    later = MEDIA.replace(":1\n", ":2\n", 1)
    cases: list[tuple[str, str, dict[str, Handler]]] = [
        ("not-utf8", "1", {"low_m3u8": serving(HLS, b"#EXTM3U\n\xff\n")}),
        ("not-delivered", "1", {"s2_ts": serving_status(404)}),
        ("not-delivered", "1", {"low_m3u8": serving_status(503)}),
        ("bytes-changed", "2", {"s1_ts": serving("video/mp2t", TS, TS, TS + TS, TS + TS + TS)}),
        ("variants-target-duration", "1", {"high_m3u8": serving(HLS, later)}),
        ("target-duration-changed", "2", {"high_m3u8": serving(HLS, MEDIA, later)}),
        ("private-address", "1", {"low_m3u8": serving(HLS, MEDIA.replace("s2.ts", "http://10.0.0.1/s2.ts"))}),
        ("segment-type", "1", {"s2_ts": serving("text/html", TS)}),
    ]
    for rule, reloads, changed in cases:
        async with host(site(**changed)) as base:
            broken = await found("--reloads", reloads, f"{base}/master.m3u8")
            assert rule in broken, (rule, broken)


def serving_status(status: int) -> Handler:
    async def page(request: web.Request) -> web.Response:
        return web.Response(status=status)

    return page


async def test_a_manifest_whose_magnet_is_of_other_bytes_is_found(
    live_torrent: Start, feed_dir: Path, ts_vod: Path
) -> None:
    shutil.copytree(ts_vod, feed_dir / "film")
    server = await live_torrent("serve", "--feed", str(feed_dir))
    address = f"{server.url}/live/film/index.m3u8"
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        manifest = await answer.text()
    pages = {f"seg{n}.ts": serving("video/mp2t", (ts_vod / f"seg{n}.ts").read_bytes()) for n in range(6)}
    pages["seg5.ts"] = serving("video/mp2t", (ts_vod / "seg5.ts").read_bytes()[:-188] + TS[:188])
    async with host(pages | {"index.m3u8": serving(HLS, manifest)}) as base:
        code, out, _ = await check("--segments", "-1", f"{base}/index.m3u8")
    assert code == 1
    broken = [line for line in out.splitlines() if line.startswith("must")]
    assert len(broken) == 1, out
    assert "piece-mismatch" in broken[0]
    assert "seg5.ts" in broken[0]


async def test_nothing_to_check_is_one_line_and_another_exit_code(tmp_path: Path) -> None:
    for where in (str(tmp_path / "none.m3u8"), "http://127.0.0.1:9/none.m3u8?token=s3cret"):
        code, out, err = await check(where)
        assert (code, out) == (4, "")
        assert err.count("\n") == 1
        assert "s3cret" not in err


async def test_ctrl_c_shows_what_was_found_until_then() -> None:
    async with host(site(low_m3u8=serving(HLS, MEDIA.replace("#EXTINF:1", "#EXTINF:9")))) as base:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "seeder", "check", "--reloads", "1000", f"{base}/master.m3u8"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(30):
            while b"extinf-above-target" not in await process.stdout.readline():
                pass
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
        assert process.returncode == 1, err
        assert b"1 must" in out
        assert b"Traceback" not in err


async def test_ctrl_c_before_anything_came_is_no_clean_bill() -> None:
    async def never(request: web.Request) -> web.Response:
        asked.set()
        await asyncio.sleep(60)
        return web.Response()

    asked = asyncio.Event()
    async with host(never=never) as base:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "seeder", "check", f"{base}/never"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            await asked.wait()
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
    assert process.returncode == 4
    assert out == b""
    assert b"stopped before anything had come" in err


async def test_the_rules_can_be_read() -> None:
    code, out, _ = await check("--rules")
    assert code == 0
    assert "target-duration-changed" in out
    assert out.count("\n") > 70


def test_headers_are_names_and_values() -> None:
    assert read_headers(["Referer: https://a.example/", "X-A:b"]) == {
        "Referer": "https://a.example/",
        "X-A": "b",
    }
    for bad in ("Referer", ": x", "A B: c", "A: b\r\nC: d"):
        with pytest.raises(ConfigError):
            read_headers([bad])
