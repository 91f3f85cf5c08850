"""The configuration read anew while everything runs."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import signal
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jwt
import pytest

from seeder import service
from seeder.config import Config, Plan, merge
from seeder.errors import ConfigError
from seeder.ingest import many
from seeder.ingest.supply import Supply
from seeder.publish import Claim, RefusedError
from seeder.publish.keyfile import KeyFile
from seeder.publish.keys import Keys
from seeder.reload import Outcome, Part, Ready, Reload, changed, divided, told
from seeder.running import hears_hangups
from seeder.stream_config import StreamConfig
from tests.conftest import Running, Start
from tests.publish.encoder import encoder

PATIENCE = 90.0
TOKEN = "a-token-of-the-operators"
URI = re.compile(r"^([0-9a-f]{8,})-(\d{8,})\.m4s$", re.MULTILINE)

# --- decided without a server ------------------------------------------------------------------------


def test_what_can_change_does_and_the_rest_waits_for_a_restart() -> None:
    old, asked = Config(), Config(port=9, takeover=None, sharing="off")
    new, rest = divided(old, asked, ("takeover", "sharing", "streams"))
    assert new == Config(takeover=None, sharing="off")
    assert rest == ("port",)
    assert changed(old, new) == ("sharing", "takeover")


def test_streams_are_told_one_by_one() -> None:
    old = Config(streams=(StreamConfig("a"), StreamConfig("b"), StreamConfig("c", "x.mp4")))
    new = Config(
        streams=(StreamConfig("a", where="elsewhere"), StreamConfig("b"), StreamConfig("d")), window=9
    )
    outcome = told(old, new, ("port",), ("streams.d", "streams.c", "streams.b", "tls_cert"))
    assert outcome == Outcome(
        ("window", "streams.d", "streams.c", "streams.b", "tls_cert"), unchanged=1, needs_restart=("port",)
    )
    assert outcome.line().endswith("; after a restart: port")
    assert told(old, old, (), ()).line() == "nothing has changed"


async def test_one_part_that_refuses_leaves_all_as_they_were() -> None:
    done: list[str] = []

    def part(name: str, refuses: bool = False) -> Part:
        async def prepare(old: Config, new: Config) -> Ready:
            if refuses and new.window == 9:
                raise ConfigError("no")

            async def commit() -> None:
                done.append(name)

            return Ready(commit, (name,))

        return Part(frozenset(("window", "sharing")), prepare)

    asked = Config(window=9)
    reload = Reload(Config(), lambda: asked, [part("a"), part("b", refuses=True), part("c")])
    with pytest.raises(ConfigError):
        await reload.now()
    assert (done, reload.config) == ([], Config())
    asked = Config(sharing="off", port=1)
    outcome = await reload.now()
    assert done == ["a", "b", "c"]
    assert reload.config == Config(sharing="off")
    assert outcome.needs_restart == ("port",)
    assert (await reload.now()).needs_restart == ("port",), "it is still not in force"


async def test_a_room_that_crashes_over_it_keeps_no_other_from_following(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[str] = []

    def part(crashes: bool) -> Part:
        async def prepare(old: Config, new: Config) -> Ready:
            async def commit() -> None:
                if crashes:
                    raise ValueError("a bug")
                done.append("here")

            return Ready(commit)

        return Part(frozenset(("window",)), prepare)

    reload = Reload(Config(), lambda: Config(window=9), [part(True), part(False)])
    await reload.now()
    assert done == ["here"]
    assert "a bug" in caplog.text


def test_flags_and_variables_still_win() -> None:
    old = merge({"window": "5"}, {"LIVE_TORRENT_SHARING": "ask"}, {"window": 7})
    new = merge({"window": "5"}, {"LIVE_TORRENT_SHARING": "ask"}, {"window": 9, "sharing": "off"})
    assert old == new


hangups = pytest.mark.skipif(
    signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, reason="begun with nohup, and so is all that it starts"
)


# --- the real command --------------------------------------------------------------------------------


async def ask(url: str, method: str = "GET", token: str | None = None) -> tuple[int, Any]:
    def fetch() -> tuple[int, Any]:
        request = urllib.request.Request(url, method=method)
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, data = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, data = error.code, error.read()
        try:
            return status, json.loads(data)
        except ValueError:
            return status, data.decode()

    return await asyncio.to_thread(fetch)


async def segments(server: Running, name: str, least: int = 1) -> list[tuple[str, int]]:
    """(birth, MSN) of those listed, once there are as many, or that MSN is reached."""
    async with asyncio.timeout(PATIENCE):
        while True:
            status, text = await ask(f"{server.url}/live/{name}/v0/index.m3u8")
            found = [(birth, int(msn)) for birth, msn in URI.findall(text)] if status == 200 else []
            if found and found[-1][1] >= least:
                return found
            await asyncio.sleep(0.1)


async def said(server: Running, words: str, times: int = 1) -> str:
    """The line of the log with these words, the last one."""
    async with asyncio.timeout(PATIENCE):
        while True:
            lines = [line for line in server.log().splitlines() if words in line]
            if len(lines) >= times:
                return lines[-1]
            await asyncio.sleep(0.05)


@hangups
async def test_a_hangup_changes_what_is_otherwise_and_nothing_else_loses_a_segment(
    live_torrent: Start, ts_vod: Path, tmp_path: Path
) -> None:
    def write(*tables: str, more: str = "") -> None:
        head = f"segment_seconds = 1\nwindow = 30\n{more}\n"
        whole = "\n".join(f"[[streams]]\n{table}" for table in tables)
        (tmp_path / "next.toml").write_text(head + whole)
        (tmp_path / "next.toml").replace(tmp_path / "live.toml")

    a, b = (f'name = "{name}"\ninput = "{ts_vod}/seg{n}.ts"' for n, name in enumerate("ab"))
    write(a, b)
    server = await live_torrent(
        *("serve", "--config", "live.toml", "--window", "20"), env={"LIVE_TORRENT_ADMIN_TOKEN": TOKEN}
    )
    before = {name: (await segments(server, name, 1))[-1] for name in "ab"}

    write(a + "\nrecord = true", b + "\ncopy = false", 'name = "studio"', more='loop = true\nsharing = "off"')
    server.process.send_signal(signal.SIGHUP)
    line = await said(server, "was read anew")
    for word in ("sharing", "streams.b", "streams.a", "streams.studio", "; after a restart: loop"):
        assert word in line, line

    went_on = await segments(server, "a", before["a"][1] + 3)
    assert {birth for birth, _ in went_on} == {before["a"][0]}, "it was not begun anew"
    numbers = [msn for _, msn in went_on]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    _, text = await ask(f"{server.url}/live/a/v0/index.m3u8")
    assert "#EXT-X-DISCONTINUITY\n" not in text.split(f"{before['a'][0]}-{before['a'][1]:08d}.m4s")[1]
    assert 'SHARING="off"' in text or "SHARING=off" in text
    async with asyncio.timeout(PATIENCE):
        while (await segments(server, "b"))[-1][0] == before["b"][0]:
            await asyncio.sleep(0.1)
    assert (await ask(f"{server.url}/api/streams/a/recording"))[1]["on"] is True
    assert (await ask(f"{server.url}/api/streams/b/recording"))[1]["on"] is False

    write(a, more="windw = 3")
    status, answer = await ask(f"{server.url}/api/reload", "POST", TOKEN)
    assert status == 400
    assert answer["error"].endswith("unknown key 'windw'; did you mean 'window'?")
    server.process.send_signal(signal.SIGHUP)
    assert "did you mean 'window'?" in await said(server, "the configuration stays as it was")
    (tmp_path / "live.toml").unlink()
    assert (await ask(f"{server.url}/api/reload", "POST", TOKEN))[0] == 400
    assert (await ask(f"{server.url}/api/reload", "POST", "wrong"))[0] == 401

    write(
        a + "\nrecord = true",
        'name = "studio"',
        f'name = "c"\ninput = "{ts_vod}/seg2.ts"',
        more='sharing = "off"',
    )
    status, answer = await ask(f"{server.url}/api/reload", "POST", TOKEN)
    assert status == 200
    assert answer == {"applied": ["streams.c", "streams.b"], "unchanged": 2, "needsRestart": []}
    await segments(server, "c", 0)
    assert (await ask(f"{server.url}/api/reload", "POST", TOKEN))[1]["applied"] == []
    _, ingests = await ask(f"{server.url}/api/ingests", token=TOKEN)
    assert sorted(ingests["ingests"]) == ["a", "c"]
    assert (await segments(server, "a", before["a"][1] + 4))[-1][0] == before["a"][0]


# --- a running service -------------------------------------------------------------------------------


async def test_who_publishes_goes_on_whatever_is_changed_around_it(
    feed_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = KeyFile(tmp_path / "keys.json")
    garden, pond = (file.change(partial(_created, stream)) for stream in ("garden", "pond"))
    first = Config(port=0, segment_seconds=1.0, keys=file.path)
    asked = first
    plan = Plan(first, feed_dir, again=lambda: asked)
    async with service.running(plan) as running, encoder() as camera:
        desk, supply = running.desk, Supply("RTMP from 192.0.2.7", "mpegts")
        assert desk is not None
        async with desk.admit(Claim("rtmp", "192.0.2.7", garden)) as session:
            carrying = asyncio.create_task(session.carry(supply, camera.read_into(supply)))
            async with asyncio.timeout(PATIENCE):
                while (status := session.status()) is None or not status.segments:
                    await asyncio.sleep(0.05)

            asked = replace(first, streams=(StreamConfig("garden", str(tmp_path / "film.mp4")),))
            with pytest.raises(ConfigError, match="garden: has an input now, but is being published"):
                await running.reload.now()

            monkeypatch.setattr(many, "MOST", 1)
            tables = tuple(StreamConfig(name, str(tmp_path / "film.mp4")) for name in "ab")
            asked = replace(first, streams=tables)
            with pytest.raises(ConfigError, match="more than 1"):
                await running.reload.now()

            # Everything else about it may change, and counts for the next publisher.
            asked = replace(
                first,
                streams=(StreamConfig("garden", takeover=False, window=4),),
                segment_seconds=2.0,
                takeover=0.0,
                publish_hook="http://127.0.0.1:1/",
                publish_from=("192.0.2.9=pond",),
            )
            outcome = await running.reload.now()
            assert outcome.needs_restart == ()
            assert "streams.garden" in outcome.applied
            with pytest.raises(RefusedError) as refused:
                async with desk.admit(Claim("rtmp", "192.0.2.8", garden)):
                    pytest.fail("let in")
            assert refused.value.status == 409, "takeover = false is in force"
            with pytest.raises(RefusedError) as unknown:
                await desk.ask(Claim("rtmp", "192.0.2.8", "lt_nonsense"))
            assert unknown.value.status == 503, "the hook is asked, and does not answer"
            assert (await desk.ask(Claim("mpegts", "192.0.2.9", "", "pond"))).stream == "pond"

            asked = replace(asked, keys=tmp_path / "others.json", publish_hook=None)
            KeyFile(tmp_path / "others.json").change(lambda keys: (file.read(), None))
            await running.reload.now()
            assert (await desk.ask(Claim("rtmp", "192.0.2.8", pond))).stream == "pond"

            status = session.status()
            assert status is not None
            have = status.segments
            async with asyncio.timeout(PATIENCE):
                while (status := session.status()) is None or status.segments < have + 2:
                    assert not carrying.done()
                    await asyncio.sleep(0.05)
            assert status.restarts == 0
            carrying.cancel()
            await asyncio.gather(carrying, return_exceptions=True)


def _created(stream: str, keys: Keys) -> tuple[Keys, str]:
    made, _, shown = keys.created(stream, 0)
    return made, shown


async def test_a_push_that_stays_is_not_touched(feed_dir: Path, tmp_path: Path) -> None:
    def config(*servers: str) -> Config:
        push = tuple(f"rtmp://127.0.0.1:1/live/{name}" for name in servers)
        keys = tmp_path / "keys.json"
        return Config(port=0, keys=keys, streams=(StreamConfig("garden", push=push),))

    asked = config("a", "b")
    async with service.running(Plan(asked, feed_dir, again=lambda: asked)) as running:
        a, b = running.pushes.all
        tasks = dict(zip(running.pushes.all, running.pushes._tasks, strict=True))
        asked = config("b", "c")
        assert (await running.reload.now()).applied == ("streams.garden",)
        now = dict(zip(running.pushes.all, running.pushes._tasks, strict=True))
        assert now[b] is tasks[b]
        assert not tasks[b].done()
        assert tasks[a].cancelled()
        assert len(now) == 2
        asked = replace(config("b", "c"), streams=())
        await running.reload.now()
        assert running.pushes.all == ()


async def test_a_secret_of_the_webhooks_is_read_anew(feed_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(base64.b64encode(bytes(32)).decode())
    config = Config(
        port=0,
        keys=tmp_path / "keys.json",
        webhook=("http://127.0.0.1:1/",),
        webhook_secret_file=tmp_path / "secret",
    )
    async with service.running(Plan(config, feed_dir, again=lambda: config)) as running:
        assert (await running.reload.now()).applied == ()
        (tmp_path / "secret").write_text(base64.b64encode(b"x" * 32).decode())
        assert (await running.reload.now()).applied == ("webhook_secret_file",)
        assert running.beside.webhooks.settings.secrets == (b"x" * 32,)
        (tmp_path / "secret").write_text("nonsense")
        with pytest.raises(ConfigError):
            await running.reload.now()
        assert running.beside.webhooks.settings.secrets == (b"x" * 32,)


async def test_an_issuers_keys_are_read_anew(feed_dir: Path, tmp_path: Path) -> None:
    def token(secret: bytes) -> Claim:
        said = {"sub": "garden", "exp": int(time.time()) + 600}
        return Claim("rtmp", "192.0.2.7", jwt.encode(said, secret, "HS256"))

    old, new = b"0123456789abcdef" * 2, b"fedcba9876543210" * 2
    (tmp_path / "issuer").write_bytes(old)
    config = Config(port=0, keys=tmp_path / "keys.json", jwt_key=tmp_path / "issuer")
    async with service.running(Plan(config, feed_dir, again=lambda: config)) as running:
        assert running.desk is not None
        assert (await running.desk.ask(token(old))).stream == "garden"
        (tmp_path / "issuer").write_bytes(b"short")
        with pytest.raises(ConfigError):
            await running.reload.now()
        assert (await running.desk.ask(token(old))).stream == "garden"
        (tmp_path / "issuer").write_bytes(new)
        await running.reload.now()
        assert (await running.desk.ask(token(new))).stream == "garden"
        with pytest.raises(RefusedError):
            await running.desk.ask(token(old))


@hangups
def test_a_hangup_means_reloading_where_no_terminal_sends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = Plan(Config(), tmp_path, again=Config)
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.StringIO())
    assert hears_hangups(plan)
    assert not hears_hangups(replace(plan, again=None))
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert not hears_hangups(plan)
