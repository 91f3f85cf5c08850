"""Blocking reloads and delta updates (RFC 8216bis §6.2.5), as players ask for them."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h2.connection
import pytest

from seeder.hls.delivery import edge_of
from seeder.hls.manifest import strip_tags
from seeder.hls.playlist import MediaPlaylist, parse
from seeder.model import PublishedPlaylist, StreamView
from seeder.torrent.metainfo import make_torrent
from seeder.web import ServerConfig, self_signed, serve, waiting
from seeder.web import render as rendering
from tests.web.asking import ask, told, understood
from tests.web.conftest import MASTER, Got, Open, Site, playlist
from tests.web.test_front import Both, both  # noqa: F401 (a fixture)
from tests.web.test_https import h2_get

PATIENCE = 50.0
CONTROL = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12\n#EXT-X-PART-INF:PART-TARGET=0.5\n"
URL = "/live/ll/v/index.m3u8"


def view(first: int, count: int, parts: int = 0, *, end: str = "", version: int = 1) -> StreamView:
    segments = "".join(f"#EXTINF:2,\ns{n}.mp4\n" for n in range(first, first + count))
    tail = "".join(f'#EXT-X-PART:DURATION=0.5,URI="p{n}.mp4"\n' for n in range(parts))
    text = (
        f"#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n{CONTROL}"
        f"#EXT-X-MEDIA-SEQUENCE:{first}\n{segments}{tail}{end}"
    )
    media = parse(text)
    assert isinstance(media, MediaPlaylist)
    torrents = {s.line: make_torrent(s.uri, s.uri.encode()) for s in media.segments}
    live = PublishedPlaylist("v/index.m3u8", text, False, torrents, True, version, edge_of(text, media))
    playlists = {"master.m3u8": playlist("master.m3u8", MASTER), live.path: live}
    return StreamView("ll", True, playlists, {}, 2.0, segments=count)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


def held(site: Site) -> int:
    return len(site.app.hot.media.waiting)


async def waiting_for(site: Site, *queries: str) -> list[asyncio.Task[Got]]:
    before = held(site)
    tasks = [asyncio.create_task(site.fetch(f"{URL}?{query}")) for query in queries]
    await until(lambda: held(site) == before + len(tasks) or any(task.done() for task in tasks))
    return tasks


async def all_of(tasks: list[asyncio.Task[Got]]) -> list[Got]:
    async with asyncio.timeout(PATIENCE):
        return list(await asyncio.gather(*tasks))


def counted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows with each rendering."""
    made: list[object] = []
    make = rendering.make

    def counting(*arguments: Any) -> rendering.Rendered:
        made.append(arguments)
        return make(*arguments)

    monkeypatch.setattr(rendering, "make", counting)
    return made


async def test_a_reload_waits_until_the_part_is_there_and_is_answered_with_it(site: Site) -> None:
    site.library.publish(view(5, 3, 1))
    [task] = await waiting_for(site, "_HLS_msn=8&_HLS_part=1")
    site.library.publish(view(5, 3, 1, version=2))  # another torrent, say
    await asyncio.sleep(0.05)
    assert not task.done()
    site.library.publish(view(5, 3, 2, version=3))
    [got] = await all_of([task])
    assert got.status == 200
    assert b"p1.mp4" in got.body
    assert held(site) == 0


async def test_what_is_there_is_given_at_once(site: Site) -> None:
    site.library.publish(view(5, 3, 1))
    for query in ("_HLS_msn=7", "_HLS_msn=0&_HLS_part=9", "_HLS_msn=8&_HLS_part=0", "k=1"):
        assert (await site.fetch(f"{URL}?{query}")).status == 200
    assert (await site.fetch("/live/demo/v/index.m3u8?_HLS_msn=1000")).status == 200, "it promises nothing"


async def test_nonsense_and_what_is_too_far_ahead_is_refused(site: Site) -> None:
    site.library.publish(view(5, 3, 1))
    for query in ("_HLS_msn=x", "_HLS_part=1", "_HLS_msn=10", "_HLS_msn=8&_HLS_part=99"):
        got = await site.fetch(f"{URL}?{query}")
        assert (got.status, got.headers["cache-control"]) == (400, "no-store")
    assert held(site) == 0


async def test_two_hundred_viewers_are_woken_by_one_event_and_rendered_for_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = counted(monkeypatch)
    site.library.publish(view(5, 3, 1))
    asked = ask(f"{URL}?_HLS_msn=8&_HLS_part=1")
    viewers = [await asyncio.open_connection("127.0.0.1", site.bound.port) for _ in range(200)]
    for _, writer in viewers:
        writer.write(asked)
    await until(lambda: held(site) == 200)
    assert made == []
    site.library.publish(view(5, 3, 2, version=2))
    async with asyncio.timeout(PATIENCE):
        bodies = {(await reader.readuntil(b'p1.mp4"\n'))[-200:] for reader, _ in viewers}
    assert len(bodies) == len(made) == 1
    for _, writer in viewers:
        writer.close()


async def test_strangers_who_wait_under_many_names_are_all_answered(site: Site) -> None:
    site.library.publish(view(5, 3, 1))
    line = f"GET {URL}?_HLS_msn=8&_HLS_part=1 HTTP/1.1\r\nConnection: close\r\nHost: "
    work = [told(site.bound.port, f"{line}h{n}.example\r\n\r\n".encode()) for n in range(40)]
    answering = [asyncio.create_task(one) for one in work]
    await until(lambda: held(site) == 40)
    site.library.publish(view(5, 3, 2, version=2))
    for n, answer in enumerate(answering):
        [(status, _, body)] = await answer
        assert status == 200
        assert f"ws://h{n}.example/announce".encode() in body


async def test_a_playlist_that_does_not_go_on_is_503_after_three_target_durations(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SHORTEST", 0.0)
    monkeypatch.setattr(waiting, "TARGETS", 0.05)
    site.library.publish(view(5, 3, 1))
    got = await site.fetch(f"{URL}?_HLS_msn=8")
    assert (got.status, got.headers["retry-after"]) == (503, "1")
    assert held(site) == 0


def gone(site: Site) -> None:
    site.library.withdraw("ll")


def anew(site: Site) -> None:
    site.library.publish(view(0, 2, version=9))


def ended(site: Site) -> None:
    site.library.publish(view(5, 3, end="#EXT-X-ENDLIST\n", version=9))


@pytest.mark.parametrize(
    ("happens", "status", "has"), [(gone, 404, b""), (anew, 200, b"s0.mp4"), (ended, 200, b"ENDLIST")]
)
async def test_nobody_waits_for_what_will_not_come(
    site: Site, happens: Callable[[Site], None], status: int, has: bytes
) -> None:
    site.library.publish(view(5, 3, 1))
    tasks = await waiting_for(site, "_HLS_msn=8&_HLS_part=2&_HLS_skip=YES", "_HLS_msn=9")
    happens(site)
    for got in await all_of(tasks):
        assert got.status == status
        assert has in got.body


async def test_who_leaves_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SHORTEST", 2 * PATIENCE)
    site.library.publish(view(5, 3, 1))
    _, writer = await asyncio.open_connection("127.0.0.1", site.bound.port)
    writer.write(ask(f"{URL}?_HLS_msn=8"))
    await until(lambda: held(site) == 1)
    writer.write_eof()
    await until(lambda: held(site) == 0)
    writer.close()


async def test_a_crowd_beyond_the_bound_is_answered_with_what_there_is(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST", 1)
    site.library.publish(view(5, 3, 1))
    tasks = await waiting_for(site, "_HLS_msn=8")
    assert (await site.fetch(f"{URL}?_HLS_msn=8")).status == 200
    site.library.publish(view(5, 4, version=2))
    assert (await all_of(tasks))[0].status == 200


async def test_requests_behind_one_that_waits_are_answered_in_order(site: Site) -> None:
    site.library.publish(view(5, 3, 1))
    requests = (
        ask(f"{URL}?_HLS_msn=8&_HLS_part=1"), ask(f"{URL}?_HLS_msn=x"), ask("/healthz"),
        ask(f"{URL}?_HLS_msn=8&_HLS_part=0", "Connection: close"),
    )  # fmt: skip
    answering = asyncio.create_task(told(site.bound.port, *requests))
    await until(lambda: held(site) == 1)
    site.library.publish(view(5, 3, 2, version=2))
    assert [status for status, _, _ in await answering] == [200, 400, 200, 200]


async def test_a_server_that_stops_keeps_nobody_waiting(open_site: Open) -> None:
    site = await open_site()
    site.library.publish(view(5, 3, 1))
    async with serve(site.app, ServerConfig(port=0, grace=PATIENCE)) as bound:
        reader, writer = await asyncio.open_connection("127.0.0.1", bound.port)
        request = ask(f"{URL}?_HLS_msn=8")
        writer.write(request)
        await until(lambda: held(site) == 1)
        leaving = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - leaving < PATIENCE / 2
    answers = understood(await reader.read(), (request,))
    assert [status for status, _, _ in answers] in ([], [503])
    writer.close()


async def test_a_delta_update_skips_what_was_had_and_its_magnets_are_right(site: Site) -> None:
    site.library.publish(view(0, 10, 1))
    whole = await site.fetch(URL)
    for skip in ("YES", "v2"):
        got = await site.fetch(f"{URL}?_HLS_skip={skip}", accept_encoding="gzip")
        text = gzip.decompress(got.body).decode()
        assert "#EXT-X-SKIP:SKIPPED-SEGMENTS=3" in text
        assert ("RECENTLY-REMOVED" in text) == (skip == "v2")
        for line in text.splitlines():
            if "MAGNET" in line:
                assert line.encode() in whole.body
        assert text.count("MAGNET") == strip_tags(text).count("#EXTINF") == 7
        assert got.headers["etag"] != whole.headers["etag"]
    assert (await site.fetch(f"{URL}?_HLS_skip=later")).body == whole.body


async def test_a_long_playlist_is_rendered_once_for_all_who_wait(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "OFF_LOOP", 0)
    made = counted(monkeypatch)
    site.library.publish(view(5, 3, 1))
    tasks = await waiting_for(site, *["_HLS_msn=8&_HLS_part=1"] * 5)
    site.library.publish(view(5, 3, 2, version=2))
    assert {got.status for got in await all_of(tasks)} == {200}
    assert len(made) == 1


async def test_behind_hypercorn_it_is_no_different(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    site, slow = both
    site.library.publish(view(5, 3, 1))

    async def at(port: int, query: str) -> tuple[int, bytes]:
        [(status, _, body)] = await told(port, ask(f"{URL}?{query}", "Connection: close"))
        return status, body

    async def same(query: str, then: Callable[[], object] | None = None) -> int:
        work = [asyncio.create_task(at(port, query)) for port in (site.bound.port, slow)]
        if then is not None:
            await until(lambda: held(site) == 2)
            then()
        async with asyncio.timeout(PATIENCE):
            one, other = await asyncio.gather(*work)
        assert one == other
        return one[0]

    assert await same("_HLS_msn=7") == 200
    assert await same("_HLS_msn=x") == 400
    assert await same("_HLS_msn=8", lambda: site.library.publish(view(5, 4, version=2))) == 200
    monkeypatch.setattr(waiting, "SHORTEST", 0.0)
    monkeypatch.setattr(waiting, "TARGETS", 0.05)
    assert await same("_HLS_msn=9") == 503
    monkeypatch.undo()
    _, writer = await asyncio.open_connection("127.0.0.1", slow)
    writer.write(ask(f"{URL}?_HLS_msn=9"))
    await until(lambda: held(site) == 1)
    writer.transport.abort()
    await until(lambda: held(site) == 0)
    site.library.withdraw("ll")


async def test_over_http_2_too_and_who_takes_a_request_back_is_not_waited_for(
    open_site: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SHORTEST", 2 * PATIENCE)
    certificate = self_signed(tmp_path / "state", "127.0.0.1")
    site = await open_site(certificate=certificate)
    site.library.publish(view(5, 3, 1))
    query = "_HLS_msn=8&_HLS_part=1&_HLS_skip=YES"
    asking = asyncio.create_task(h2_get(site.bound.port, f"{URL}?{query}", certificate))
    await until(lambda: held(site) == 1)
    site.library.publish(view(5, 3, 2, version=2))
    headers, body = await asking
    assert headers[b":status"] == b"200"
    assert b"p1.mp4" in body

    context = ssl.create_default_context(cafile=str(certificate.cert))
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection("127.0.0.1", site.bound.port, ssl=context)
    client = h2.connection.H2Connection()
    client.initiate_connection()
    names = [(":method", "GET"), (":path", f"{URL}?_HLS_msn=9"), (":scheme", "https"), (":authority", "a")]
    client.send_headers(1, names, end_stream=True)
    writer.write(client.data_to_send())
    await until(lambda: held(site) == 1)
    client.reset_stream(1)
    writer.write(client.data_to_send())
    await until(lambda: held(site) == 0)
    writer.close()
