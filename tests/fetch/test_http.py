"""Feeds fetched over real sockets: from hosts that redirect, stall, flood and lead astray."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from aiohttp import web

from seeder.errors import FetchError
from seeder.fetch.fetched import Validators
from seeder.fetch.guard import is_public
from seeder.fetch.http import Http
from tests.fetch.hosting import Handler, host


def to(url: str, status: int = 302) -> Handler:
    async def page(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": url})

    return page


async def echo(request: web.Request) -> web.Response:
    return web.json_response(dict(request.headers))


async def hello(request: web.Request) -> web.Response:
    if request.headers.get("If-None-Match") == '"1"':
        return web.Response(status=304)
    body = gzip.compress(b"hello" * 1000)
    return web.Response(body=body, headers={"ETag": '"1"', "Content-Encoding": "gzip"})


async def test_what_is_compressed_comes_out_whole_and_is_asked_about_the_next_time() -> None:
    async with host(hello=hello) as base, Http([base]) as http:
        first = await http.get(f"{base}/hello", limit=5000)
        assert (first.status, first.data) == (200, b"hello" * 1000)
        again = await http.get(f"{base}/hello", limit=5000, known=first.validators)
        assert (again.status, again.data) == (304, b"")
        assert first.validators == Validators('"1"', "")


async def test_a_redirect_says_where_the_bytes_were_in_the_end() -> None:
    async with host(hello=hello, there=to("/hello?x=1", 307)) as base, Http([base]) as http:
        found = await http.get(f"{base}/there", limit=5000)
        assert (found.asked, found.url) == (f"{base}/there", f"{base}/hello?x=1")


async def test_redirects_without_end_are_not_followed_without_end() -> None:
    async with host(there=to("/there")) as base, Http([base]) as http:
        with pytest.raises(FetchError, match="redirects"):
            await http.get(f"{base}/there", limit=10)


async def test_only_the_hosts_that_were_named_may_be_private() -> None:
    async with host(hello=hello) as other, host(there=to(f"{other}/hello")) as base:
        async with Http([base]) as http:
            with pytest.raises(FetchError, match=r"leads to 127\.0\.0\.1: .*private"):
                await http.get(f"{base}/there", limit=5000)
            with pytest.raises(FetchError, match="private"):
                await http.get(f"{other}/hello", limit=5000)
            # A name that resolves to a private address is one.
            with pytest.raises(FetchError, match="private"):
                await http.get(f"{other.replace('127.0.0.1', 'localhost')}/hello", limit=5000)
        async with Http([base], allow_private=True) as http:
            assert (await http.get(f"{base}/there", limit=5000)).data[:5] == b"hello"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"])
async def test_a_redirect_does_not_lead_out_of_http(url: str) -> None:
    async with host(there=to(url)) as base, Http([base], allow_private=True) as http:
        with pytest.raises(FetchError, match="is not fetched"):
            await http.get(f"{base}/there", limit=10)


async def test_secrets_go_home_only_and_other_headers_everywhere() -> None:
    headers = {"Authorization": "Bearer t0ken", "Cookie": "a=b", "Referer": "https://site.example/"}
    async with (
        host(echo=echo) as other,
        host(echo=echo, there=to(f"{other}/echo")) as base,
        Http([base], headers=headers, allow_private=True) as http,
    ):
        at_home = (await http.get(f"{base}/echo", limit=5000)).data.decode()
        away = (await http.get(f"{base}/there", limit=5000)).data.decode()
    assert "t0ken" in at_home
    assert "a=b" in at_home
    assert "t0ken" not in away
    assert "a=b" not in away
    assert "site.example" in at_home
    assert "site.example" in away


async def test_a_login_in_the_named_url_holds_for_its_host_and_stands_in_no_error() -> None:
    async def guarded(request: web.Request) -> web.Response:
        return web.Response(status=200 if request.headers.get("Authorization") else 401)

    async with host(guarded=guarded) as base:
        named = base.replace("//", "//user:pa55@")
        async with Http([named]) as http:
            assert (await http.get(f"{base}/guarded", limit=10)).status == 200
        async with Http([base]) as http:
            with pytest.raises(FetchError) as caught:
                await http.get(f"{base}/guarded?token=s3cret", limit=10)
            assert caught.value.status == 401
            assert "s3cret" not in str(caught.value)
        with pytest.raises(FetchError) as caught:
            async with Http([named]) as http:
                await http.get(f"{named}/missing", limit=10)
        assert "pa55" not in str(caught.value)


async def test_cookies_come_back_to_who_set_them() -> None:
    async def setting(request: web.Request) -> web.Response:
        response = web.Response()
        response.set_cookie("session", "42")
        return response

    async with host(setting=setting, echo=echo) as base, Http([base]) as http:
        named = base.replace("127.0.0.1", "localhost")  # cookies of bare addresses are kept by no jar
        async with Http([named]) as http:
            await http.get(f"{named}/setting", limit=10)
            assert "session=42" in (await http.get(f"{named}/echo", limit=5000)).data.decode()


async def test_a_flood_a_bomb_and_a_stall_end_in_one_line() -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(65536))

    async def bomb(request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(bytes(50 << 20)), headers={"Content-Encoding": "gzip"})

    async def stall(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"x")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with host(flood=flood, bomb=bomb, stall=stall, cut=cut) as base, Http([base]) as http:
        for page, what in (("flood", "more than 1000000 bytes"), ("bomb", "more than"), ("cut", "cut off")):
            with pytest.raises(FetchError, match=what):
                await http.get(f"{base}/{page}", limit=1_000_000)
        with pytest.raises(FetchError, match=r"within 0\.3 s"):
            await http.get(f"{base}/stall", limit=10, timeout=0.3)
    with pytest.raises(FetchError, match=r"(?i)refused|connect"):
        async with Http([base]) as http:
            await http.get(f"{base}/gone", limit=10)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *(
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1%eth0",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
        ),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "not an address", ""),
    ],
)
def test_private_addresses_in_whatever_clothes(address: str) -> None:
    assert not is_public(address)
