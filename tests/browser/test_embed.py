"""embed.js on a site of another origin."""

from __future__ import annotations

from tests.browser.asking import plays, stats, until
from tests.browser.broadcast import Recording, broadcast
from tests.browser.sites import VIOLATIONS, site, website
from tests.conftest import NewPage, page_log


async def test_a_script_tag_is_a_player_that_shares(recording: Recording, new_page: NewPage) -> None:
    async with broadcast(recording, "demo") as live:
        tag = f'<script nonce="n" src="{live.url}/embed.js" data-stream="demo" data-width="320"></script>'
        # As strict as can be: one nonce, no host for scripts, and strings are no addresses of scripts.
        policy = (
            "default-src 'none'; script-src 'nonce-n' 'strict-dynamic'; require-trusted-types-for 'script'; "
            f"connect-src {live.url} {live.url.replace('http', 'ws', 1)}; media-src blob:"
        )
        html = f"<!doctype html><title>News</title><p>News</p>{tag}<p>More</p>"
        async with website({"/": html}, {"Content-Security-Policy": policy}) as news:
            embedded = await new_page()
            await embedded.add_init_script(VIOLATIONS)
            await embedded.goto(news.url)
            await plays(embedded)
            assert await embedded.evaluate("window.violations") == []
            assert await embedded.evaluate("window.liveTorrent.mode") == "loader"
            place = "[...document.body.children].map(element => element.tagName).join()"
            assert await embedded.evaluate(place) == "P,SCRIPT,VIDEO,P"
            assert await embedded.evaluate("document.querySelector('video').clientWidth") == 320

            watching = await new_page()
            await watching.goto(f"{live.url}/watch/demo")
            await plays(watching)

            async def exchanged() -> bool:
                return any([(await stats(page))["bytesFromPeers"] > 0 for page in (embedded, watching)])

            await until("viewers of both sites are peers", exchanged, embedded, watching)


async def test_several_players_on_a_page_each_show_their_stream(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo", "other") as live:
        tags = "".join(
            f'<script src="{live.url}/embed.js" data-stream="{name}"></script>' for name in ("demo", "other")
        )
        async with site(f"<!doctype html><head>{tags}</head><body></body>") as url:
            page = await new_page()
            await page.goto(url)

            async def both() -> bool:
                times = await page.evaluate(
                    "[...document.querySelectorAll('video')].map(video => video.currentTime)"
                )
                return len(times) == 2 and min(times) > 0

            await until("both play", both, page)
            counts = await page.evaluate(
                "window.liveTorrent.players.map(player => player.stats().segments.length)"
            )
            assert len(counts) == 2
            assert min(counts) > 0


async def test_a_tag_without_a_stream_tells_its_author(recording: Recording, new_page: NewPage) -> None:
    async with (
        broadcast(recording) as live,
        site(f'<!doctype html><script src="{live.url}/embed.js"></script>') as url,
    ):
        page = await new_page()
        await page.goto(url)
        assert any("data-stream is missing" in line for line in page_log(page))


async def test_the_worker_is_registered_where_trusted_types_are_required(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording) as live:
        policy = f"script-src {live.url}; worker-src 'self'; require-trusted-types-for 'script'"
        head = f'<meta http-equiv="Content-Security-Policy" content="{policy}; trusted-types live-torrent">'
        tag = f'<script src="{live.url}/embed.js" data-worker="/copy.js"></script>'
        files = {"/": f"<!doctype html>{head}{tag}", "/copy.js": f"importScripts('{live.url}/sw.js')"}
        async with website(files) as news:
            page = await new_page()
            await page.add_init_script(VIOLATIONS)
            await page.goto(news.url)
            ready = "navigator.serviceWorker.ready.then(({ active }) => active.scriptURL)"
            assert await page.evaluate(ready) == f"{news.url}/copy.js"
            assert await page.evaluate("window.violations") == []


async def test_a_worker_that_is_not_there_is_told_the_author(recording: Recording, new_page: NewPage) -> None:
    async with broadcast(recording) as live:
        tag = f'<!doctype html><script src="{live.url}/embed.js" data-worker="/nowhere.js"></script>'
        async with website({"/": tag}) as news:
            page = await new_page()
            await page.goto(news.url)

            async def told() -> bool:
                return any("plays over HTTP only" in line for line in page_log(page))

            await until("the console says so", told, page)
