from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.model import Addresses, Terms
from seeder.web.addresses import Reach, addresses

PROXIED = {
    "host": "10.0.0.5:8008",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "tv.example, inner",
    "x-forwarded-prefix": "/show/",
}


@pytest.mark.parametrize(
    ("host", "scheme", "base", "tracker"),
    [
        ("127.0.0.1:8008", "http", "http://127.0.0.1:8008", "ws://127.0.0.1:8008/announce"),
        ("TV.example", "https", "https://tv.example", "wss://tv.example/announce"),
        ("[::1]:8008", "http", "http://[::1]:8008", "ws://[::1]:8008/announce"),
        ("my_host", "http", "http://my_host", "ws://my_host/announce"),
    ],
)
def test_addresses_follow_the_request(host: str, scheme: str, base: str, tracker: str) -> None:
    assert addresses(Reach(), scheme, {"host": host}) == Addresses(base, tracker)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a b",
        "user@host",
        "host/path",
        'x"y',
        "host:port",
        "host:123456",
        "[::1",
        "é.example",
        "a\nb",
        "-x",
        "a,b",
    ],
)
def test_a_host_that_is_none_is_refused(host: str) -> None:
    assert addresses(Reach(), "http", {"host": host}) is None


def test_a_missing_host_is_refused() -> None:
    assert addresses(Reach(), "http", {}) is None


def test_the_public_url_wins_over_any_header() -> None:
    reach = Reach("https://tv.example/show", trust_proxy=True)
    expected = Addresses("https://tv.example/show", "wss://tv.example/show/announce")
    assert addresses(reach, "http", {"host": "evil.example"}) == expected
    assert addresses(reach, "http", {"host": "not a host"}) == expected


def test_forwarded_headers_count_only_when_trusted() -> None:
    assert addresses(Reach(), "http", PROXIED) == Addresses(
        "http://10.0.0.5:8008", "ws://10.0.0.5:8008/announce"
    )
    trusted = addresses(Reach(trust_proxy=True), "http", PROXIED)
    assert trusted == Addresses("https://tv.example/show", "wss://tv.example/show/announce")


def test_a_forwarded_prefix_that_is_no_path_is_refused() -> None:
    headers = {"host": "a", "x-forwarded-prefix": '/"><script>'}
    assert addresses(Reach(trust_proxy=True), "http", headers) is None


def test_an_external_tracker_and_ice_are_passed_on() -> None:
    found = addresses(Reach(tracker="wss://t.example/", ice=("stun:s.example",)), "http", {"host": "a"})
    assert found == Addresses("http://a", "wss://t.example/", ("stun:s.example",))


def test_what_the_operator_lets_viewers_exchange_is_passed_on() -> None:
    found = addresses(Reach(terms=Terms("ask")), "http", {"host": "a"})
    assert found == Addresses("http://a", "ws://a/announce", terms=Terms("ask"))


@given(st.text(), st.text(), st.text())
def test_no_text_of_a_stranger_breaks_out_of_an_address(host: str, forwarded: str, prefix: str) -> None:
    headers = {"host": host, "x-forwarded-host": forwarded, "x-forwarded-prefix": prefix}
    for reach in (Reach(), Reach(trust_proxy=True)):
        found = addresses(reach, "http", headers)
        if found is not None:
            assert not set(found.base) & set(" \"'\\<>,@?#\r\n\t")
