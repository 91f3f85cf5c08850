from __future__ import annotations

import libtorrent as lt
import pytest

from seeder.torrent.settings import (
    MAX_PENDING_OFFERS,
    SeedSettings,
    connections_for,
    offers_for,
    session_settings,
    stun_server,
    too_few_descriptors,
)


@pytest.mark.parametrize("torrents", [1, 11, 30, 31, 60, 100, 150])
def test_pending_offers_stay_within_their_budget(torrents: int) -> None:
    assert torrents * offers_for(torrents) <= MAX_PENDING_OFFERS


def test_a_torrent_always_has_two_offers_so_that_one_stuck_peer_does_not_block_it() -> None:
    assert offers_for(10_000) == 2


def test_few_descriptors_mean_fewer_peers_and_a_warning() -> None:
    settings = SeedSettings()
    assert connections_for(settings, 1024) < settings.max_connections
    warning = too_few_descriptors(settings, 1024)
    assert warning is not None
    assert "1024" in warning
    assert "\n" not in warning
    assert too_few_descriptors(settings, 65536) is None
    assert too_few_descriptors(settings, None) is None
    assert connections_for(settings, 100) >= 10


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("", ""),
        ("stun:stun.example.org", "stun.example.org:3478"),
        ("stun:stun.example.org:19302", "stun.example.org:19302"),
        ("192.0.2.1", "192.0.2.1:3478"),
        ("stun:[2001:db8::1]", "[2001:db8::1]:3478"),
        ("stun:[2001:db8::1]:99", "[2001:db8::1]:99"),
    ],
)
def test_stun_addresses_are_as_libtorrent_wants_them(text: str, server: str) -> None:
    assert stun_server(text) == server


def test_every_setting_is_one_libtorrent_knows() -> None:
    assert set(session_settings(SeedSettings(), None)) <= set(lt.default_settings())
