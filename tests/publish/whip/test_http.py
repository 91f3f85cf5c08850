"""HTTP as RFC 9725 wants it, without a byte of media."""

from __future__ import annotations

import asyncio
import socket

import pytest

from seeder.errors import ServeError
from seeder.publish.whip import peer
from seeder.publish.whip.endpoint import Whip
from seeder.publish.whip.listener import candidates
from seeder.publish.whip.port import listening
from tests.publish.encoder import departures
from tests.publish.whip.conftest import KEY, STUN, Site, until
from tests.publish.whip.offers import OFFER

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
CANDIDATE = "a=mid:0\na=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\n"


async def test_a_session_begins_trickles_restarts_its_ice_and_ends(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "seeder")
    status, headers, answer = await site.offer(OFFER)
    assert status == 201
    assert headers["content-type"] == SDP
    assert headers["link"] == f'<{STUN}>; rel="ice-server"'
    assert headers["access-control-allow-origin"] == "*"
    assert {"location", "etag", "link"} <= set(
        headers["access-control-expose-headers"].lower().replace(" ", "").split(",")
    )
    session = headers["location"]
    assert session.startswith("/whip/garden/")
    assert len(session) > 40
    assert "a=candidate:1 1 udp" in answer
    assert site.publishers() == 1

    async def patch(body: str, kind: str = FRAGMENT, key: str = KEY, **more: str) -> tuple[int, str, str]:
        given = {"content_type": kind, "authorization": f"Bearer {key}", **more}
        got, told, text = await site.ask("PATCH", session, body, **given)
        return got, told.get("etag", ""), text

    etag = headers["etag"]
    assert await patch(CANDIDATE, if_match=etag) == (204, "", "")
    assert (await patch(CANDIDATE))[0] == 428
    assert (await patch(CANDIDATE, if_match='"another"'))[0] == 412
    assert (await patch("nonsense", if_match=etag))[0] == 400
    assert (await patch(CANDIDATE, "application/sdp", if_match=etag))[0] == 415
    assert (await patch(CANDIDATE, key="wrong", if_match=etag))[0] == 401
    restart = "a=ice-ufrag:EsAw\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\n"
    status, again, fragment = await patch(restart, if_match="*")
    assert status == 200
    assert again not in ("", etag)
    assert "a=ice-ufrag:" in fragment
    assert fragment.split("a=ice-ufrag:")[1].split()[0] not in answer
    assert (await patch(CANDIDATE, if_match=etag))[0] == 412
    for more in "abc":
        assert (await patch(restart.replace("EsAw", f"EsA{more}"), if_match="*"))[0] == 200
    whip = site.running._door.whip
    assert isinstance(whip, Whip)
    assert len(whip._port._peers) == 2, "the ICE session before the last is forgotten"

    assert (await site.ask("DELETE", session))[0] == 401
    assert site.publishers() == 1
    assert await site.bye(session) == 200
    await until(lambda: not site.publishers())
    assert await site.bye(session) == 404
    assert KEY not in caplog.text


async def test_who_is_not_let_in_is_told_by_its_status(site: Site) -> None:
    status, headers, _ = await site.ask("POST", "/whip/garden", OFFER, content_type=SDP)
    assert (status, headers["www-authenticate"]) == (401, 'Bearer realm="live-torrent"')
    assert headers["access-control-allow-origin"] == "*"  # else a page could not read the status
    status, headers, _ = await site.offer(OFFER, key="wrong")
    assert (status, headers["www-authenticate"]) == (
        401,
        'Bearer realm="live-torrent", error="invalid_token"',
    )
    basic = await site.ask("POST", "/whip/garden", OFFER, content_type=SDP, authorization="Basic eDp5")
    assert basic[0] == 401
    assert (await site.offer(OFFER, name="meadow"))[0] == 403
    given = {"authorization": f"Bearer {KEY}"}
    assert (await site.ask("POST", "/whip/garden", OFFER, content_type="text/plain", **given))[0] == 415
    assert (await site.ask("POST", "/whip/garden", OFFER, **given))[0] == 415
    assert (await site.offer("hello"))[0] == 400
    assert (await site.offer(OFFER.replace("opus", "speex")))[0] == 422
    assert (await site.offer(OFFER + "a=x:" + "x" * 70_000))[0] == 413
    assert not site.publishers()


async def test_other_methods_and_preflights(site: Site) -> None:
    for path in ("/whip/garden", "/whip/garden/some-session"):
        status, headers, _ = await site.ask(
            "OPTIONS", path, origin="https://example.org", access_control_request_method="POST"
        )
        assert (status, headers["accept-post"]) == (200, SDP)
        assert "Authorization" in headers["access-control-allow-headers"]
        assert {"POST", "PATCH", "DELETE"} <= set(headers["access-control-allow-methods"].split(", "))
        assert (await site.ask("GET", path))[0] == 204  # RFC 9725 §4.1 wants a 2xx
        status, headers, _ = await site.ask("PUT", path)
        assert status == 405
        assert headers["allow"]
    assert (await site.ask("DELETE", "/whip/garden"))[0] == 405
    assert (await site.ask("POST", "/whip/garden/some-session"))[0] == 405


async def test_a_bad_offer_does_not_cost_the_publisher_its_stream(site: Site) -> None:
    status, headers, _ = await site.offer(OFFER)
    assert status == 201
    assert (await site.offer("v=0\nhello"))[0] == 400
    assert site.publishers() == 1
    await site.bye(headers["location"])


async def test_a_flood_of_strangers_leaves_nothing_behind(site: Site) -> None:
    answers = await asyncio.gather(*(site.offer(OFFER, key=f"wrong-{n}") for n in range(100)))
    assert {status for status, _, _ in answers} <= {401, 503}
    status, headers, _ = await site.offer(OFFER)
    assert status == 201
    assert site.publishers() == 1
    await site.bye(headers["location"])
    await until(lambda: not site.publishers())


async def test_who_never_connects_loses_the_stream(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "HANDSHAKE", 0.5)
    status, headers, _ = await site.offer(OFFER)
    assert status == 201
    await until(lambda: not site.publishers())
    assert await site.bye(headers["location"]) == 404


async def test_a_revoked_key_ends_also_who_has_not_connected_yet(site: Site) -> None:
    status, _, _ = await site.offer(OFFER)
    assert status == 201
    assert site.running.desk is not None
    assert site.running.desk.revoke("k1") == 1
    await until(lambda: not site.publishers())


async def test_a_page_that_lost_its_connection_lets_go_of_it_without_a_goodbye(site: Site) -> None:
    assert site.running.desk is not None
    left = departures(site.running.desk)
    for query, lost in (("?lost", True), ("", False)):
        status, headers, _ = await site.offer(OFFER)
        assert status == 201
        (session,) = site.running.desk.sessions()
        path = headers["location"] + query
        assert (await site.ask("DELETE", path, authorization=f"Bearer {KEY}"))[0] == 200
        await until(lambda: not site.publishers())
        assert session.goodbye is not lost
        assert left.pop() is lost


async def test_without_the_listener_there_is_nothing(site: Site) -> None:
    site.running._door.whip = None
    assert (await site.offer(OFFER))[0] == 404


async def test_publishers_are_told_addresses_that_they_may_reach() -> None:
    assert await candidates("127.0.0.1", "") == ("127.0.0.1",)
    everywhere = await candidates("0.0.0.0", "192.0.2.99")
    assert everywhere[0] == "192.0.2.99"  # what the operator says comes first
    assert "127.0.0.1" in everywhere
    assert not any(":" in address for address in everywhere)
    assert (await candidates("::", ""))[-1] == "::1"
    assert await candidates("127.0.0.1", "no-such-name.invalid") == ("127.0.0.1",)


async def test_a_port_on_all_interfaces_hears_both_families() -> None:
    heard: list[bytes] = []
    async with listening("::", 0) as (port, number):
        port.datagram_received = lambda data, addr: heard.append(data)  # type: ignore[method-assign]
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family, socket.SOCK_DGRAM) as one:
                one.sendto(address.encode(), (address, number))
        await until(lambda: len(heard) == 2)
    with pytest.raises(ServeError, match="WebRTC at UDP port"):
        async with listening("192.0.2.123", 0):
            pytest.fail("not ours")
