"""The admin's page in real Chromium, over the real API of a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.accessible import accessible
from tests.conftest import NewPage, Running, commands, page_log

TOKEN = "a-token-of-the-tests"
PATIENCE = 60_000
"""Milliseconds."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """For all tests of this file: each leaves it as it was."""
    folder = tmp_path_factory.mktemp("admin")
    config = folder / "config.toml"
    config.write_text(
        'feed = "feed"\nrecord = false\n[[streams]]\nname = "garden"\n'
        'input = "lavfi:testsrc2=size=160x90:rate=10"\nsegment_seconds = 1\n'
    )
    async with commands(folder) as start:
        yield await start("serve", "--config", str(config), env={"LIVE_TORRENT_ADMIN_TOKEN": TOKEN})


async def signed_in(page: Page, server: Running) -> None:
    await page.goto(f"{server.url}/admin")
    await page.get_by_label("Admin token").fill(TOKEN)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Streams", exact=True)).to_be_visible(timeout=PATIENCE)


async def test_without_the_token_nothing_is_shown_and_with_it_nothing_is_left_behind(
    server: Running, new_page: NewPage
) -> None:
    page = await new_page()
    await page.goto(f"{server.url}/admin")
    await accessible(page)
    await page.get_by_label("Admin token").fill("a wrong one")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("status")).to_contain_text("token is needed", timeout=PATIENCE)
    assert await page.locator("section").count() == 0
    await signed_in(page, server)
    await accessible(page)
    assert TOKEN not in page.url
    assert await page.evaluate("localStorage.length") == 0
    await page.reload()
    await expect(page.get_by_role("heading", name="Streams", exact=True)).to_be_visible(timeout=PATIENCE)
    await page.get_by_role("button", name="Sign out").click()
    await page.reload()
    await expect(page.get_by_label("Admin token")).to_be_visible(timeout=PATIENCE)
    assert await page.evaluate("sessionStorage.length") == 0
    assert TOKEN not in server.log()


async def test_a_stream_is_recorded_and_its_recording_named_exported_and_deleted(
    server: Running, new_page: NewPage
) -> None:
    page = await new_page()
    await signed_in(page, server)
    record = page.get_by_role("switch", name="Record garden")
    await expect(record).to_have_attribute("aria-checked", "false", timeout=PATIENCE)
    await record.click()
    await expect(page.get_by_text("Recording now")).to_be_visible(timeout=PATIENCE)
    await record.click()
    await expect(record).to_have_attribute("aria-checked", "false", timeout=PATIENCE)
    await expect(page.get_by_text("Recording now")).to_be_hidden(timeout=PATIENCE)
    await page.get_by_role("button", name="Rename garden").click()
    await page.get_by_role("textbox", name="Title of garden").fill("A <b>morning</b>")
    await accessible(page)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("link", name="A <b>morning</b>")).to_be_visible(timeout=PATIENCE)
    await page.get_by_role("button", name="Export garden").click()
    await page.get_by_role("button", name="Export", exact=True).click()
    download = page.get_by_role("link", name="Download")
    await expect(download).to_be_visible(timeout=PATIENCE)
    async with page.expect_download() as file:
        await download.click()
    assert (await (await file.value).path()).read_bytes()[4:8] == b"ftyp"
    await accessible(page)
    await page.get_by_role("button", name="Delete garden").click()
    await page.get_by_role("button", name="Delete", exact=True).click()
    await expect(page.get_by_text("No recording yet")).to_be_visible(timeout=PATIENCE)
    assert not [line for line in page_log(page) if line.startswith("error")]


async def test_a_key_is_shown_once_and_gone_when_it_is_revoked(server: Running, new_page: NewPage) -> None:
    page = await new_page()
    await signed_in(page, server)
    await page.get_by_text("Make a key").first.click()
    await page.get_by_label("Stream", exact=True).fill("kitchen")
    await page.get_by_label("Label", exact=True).fill("Ada")
    await page.get_by_role("button", name="Make a key").click()
    await expect(page.locator(".secret")).to_contain_text("lt_", timeout=PATIENCE)
    await page.get_by_role("button", name="Done").click()
    await expect(page.locator(".secret")).to_have_count(0)
    await page.get_by_role("button", name="Revoke kitchen, Ada").click()
    await page.get_by_role("button", name="Revoke", exact=True).click()
    await expect(page.get_by_text("No key yet")).to_be_visible(timeout=PATIENCE)
