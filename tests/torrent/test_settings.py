from __future__ import annotations

import libtorrent as lt
import pytest

from seeder.torrent.settings import (
    MAX_PENDING,
    PENDING_SECONDS,
    SeedSettings,
    connections_for,
    no_webrtc,
    offers_for,
    pending_for,
    session_settings,
    stun_server,
    too_few_descriptors,
)

HOME, AWAY = SeedSettings(at_home=True), SeedSettings()


@pytest.mark.parametrize(("torrents", "started"), [(1, 1), (11, 5), (110, 50), (330, 150), (400, 20)])
@pytest.mark.parametrize("settings", [HOME, AWAY])
def test_pending_offers_stay_within_their_budget(settings: SeedSettings, torrents: int, started: int) -> None:
    pending = pending_for(settings, None)
    announces = started + torrents * PENDING_SECONDS / settings.usual_seconds
    offers = offers_for(settings, pending, torrents, started)
    assert announces * offers <= max(pending, announces)  # one is the least
    assert pending <= MAX_PENDING


def test_ten_streams_of_three_variants_fit_with_their_whole_windows() -> None:
    segments_a_second = 30 / 2
    assert HOME.max_torrents >= 30 * (8 + 3)
    assert segments_a_second * PENDING_SECONDS < pending_for(HOME, None)


def test_libtorrent_announces_however_little_room_there_is() -> None:
    assert offers_for(HOME, 20, 10_000, 10_000) == 1


def test_few_torrents_make_many_offers_where_nobody_asks_for_more() -> None:
    assert offers_for(AWAY, pending_for(AWAY, None), 11, 5) == 10
    assert offers_for(HOME, pending_for(HOME, None), 11, 5) == 3


def test_few_descriptors_mean_few_offers() -> None:
    assert pending_for(HOME, 256) < 50
    assert pending_for(HOME, 256) < pending_for(HOME, 512) < pending_for(HOME, 65536)


def test_loopback_alone_is_said_to_rule_out_webrtc() -> None:
    assert "loopback" in no_webrtc(())
    assert no_webrtc(("192.0.2.1",)) == ""


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
