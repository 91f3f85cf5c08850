"""Every setting in three spellings; the later source wins; every error names its source and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seeder.config import Config, load, merge, unknown_variables
from seeder.errors import ConfigError
from seeder.ladder import parse
from seeder.model import Terms
from seeder.publish.listeners import LISTENERS
from seeder.settings import SETTINGS
from seeder.values import PUBLISH_PORTS, stream_name, stun_url, turn_url

GOOD = {
    "host": ("::1", "::1"),
    "port": ("0", 0),
    "feed": ("/tmp/feed", Path("/tmp/feed")),
    "tls_cert": ("/c.pem", Path("/c.pem")),
    "tls_key": ("/k.pem", Path("/k.pem")),
    "tls_self_signed": ("true", True),
    "public_url": ("https://live.example.org/tv/", "https://live.example.org/tv"),
    "trust_proxy": ("on", True),
    "tracker": ("wss://tracker.example.org/announce?key=1", "wss://tracker.example.org/announce?key=1"),
    "stun": ("stun:a.example.org,stun:b.example.org:3478", ("stun:a.example.org", "stun:b.example.org:3478")),
    "swarm": (f"{'AB' * 20},any", ("ab" * 20, "any")),
    "turn": (
        "turn:a.example.org?transport=udp,turns:[::1]:1",
        ("turn:a.example.org?transport=udp", "turns:[::1]:1"),
    ),
    "turn_secret_file": ("/run/secret", Path("/run/secret")),
    "ice_transport_policy": ("Relay", "relay"),
    "sharing": ("ask", "ask"),
    "max_upload": ("250k", 250 << 10),
    "max_ratio": ("1.5", 1.5),
    "min_viewers": ("3", 3),
    "upload_on_cellular": ("yes", True),
    "upload_when_hidden": ("1", True),
    "log_format": ("JSON", "json"),
    "log_level": ("debug", "debug"),
    "ffmpeg": ("/usr/bin/ffmpeg", Path("/usr/bin/ffmpeg")),
    "segment_seconds": ("4", 4.0),
    "window": ("12", 12),
    "record": ("on", True),
    "record_grace": ("90", 90.0),
    "dvr": ("30m", 1800.0),
    "retention_age": ("30d", 2_592_000.0),
    "retention_bytes": ("200G", 200 << 30),
    "downloads": ("admin", "admin"),
    "ladder": ("480p@1M,AUDIO@64k", parse("480p@1000k,audio@64000")),
    "encoder": ("H264_NVENC", "h264_nvenc"),
    "publish": ("flv:9100,flv", ("flv:9100", "flv:9002")),
    "publish_from": (
        "192.0.2.7=garden,2001:db8:0::1=roof",
        ("192.0.2.7=garden", "2001:db8::1=roof"),
    ),
    "loop": ("yes", True),
    "bt_port": ("6881", 6881),
    "max_memory": ("64MiB", 64 << 20),
    "jwt_key": ("/etc/issuer.pem", Path("/etc/issuer.pem")),
    "jwt_audience": (" live ", "live"),
    "publish_hook": ("http://127.0.0.1:9/may?x=1", "http://127.0.0.1:9/may?x=1"),
    "takeover": ("Refuse", None),
    "api_input": ("rtsp://*.camera.local/,/srv/films", ("rtsp://*.camera.local", "/srv/films")),
    "admin_token_file": ("/run/token", Path("/run/token")),
    "keys": ("/etc/keys.json", Path("/etc/keys.json")),
    "upload_limit": ("2G", 2 << 30),
    "storage": ("s3://films/of/ours/", "s3://films/of/ours"),
    "storage_endpoint": ("https://s3.example.org/", "https://s3.example.org"),
    "storage_region": ("eu-central-1", "eu-central-1"),
    "storage_public_url": ("https://cdn.example.org/films", "https://cdn.example.org/films"),
    "storage_credentials": ("/run/aws", Path("/run/aws")),
    "webhook": ("https://a.example/?x=1,2 http://[::1]/", ("https://a.example/?x=1,2", "http://[::1]/")),
    "webhook_secret_file": ("/run/hook.secret", Path("/run/hook.secret")),
    "webhook_events": ("stream.live,stream.gone", ("stream.live", "stream.gone")),
}


def error(**kwargs: object) -> str:
    with pytest.raises(ConfigError) as caught:
        merge(**kwargs)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_defaults_are_closed() -> None:
    config = merge({})
    assert config == Config()
    assert config.host == "127.0.0.1"
    assert config.stun == ()
    assert config.tracker is None
    assert not config.tls


def test_every_setting_is_exercised_here() -> None:
    assert set(GOOD) == set(SETTINGS) == set(Config.__dataclass_fields__) - {"streams"}


@pytest.mark.parametrize("name", GOOD)
def test_a_setting_reads_the_same_from_flag_variable_and_key(name: str) -> None:
    text, value = GOOD[name]
    turn = {"turn": "turn:a.example.org", "turn_secret_file": "/run/secret"}
    tls = {"tls_cert": "/c.pem", "tls_key": "/k.pem"}
    jwt = {"jwt_audience": "live", "jwt_key": "/etc/issuer.pem"} if name == "jwt_audience" else {}
    hook = {"webhook": "http://[::1]/", "webhook_secret_file": "/run/hook.secret"}
    store = {"storage": "s3://films"} if name == "storage" else {"storage": "s3://films", name: text}
    stored = store if name.startswith("storage") else {}
    given = (tls, turn, jwt, hook, stored, {**turn, "ice_transport_policy": "all"})
    groups = [group for group in given if name in group]
    beside = {key: other for group in groups[:1] for key, other in group.items() if key != name}
    assert getattr(merge({name: text, **beside}), name) == value
    assert getattr(merge(beside, {f"LIVE_TORRENT_{name.upper()}": text}), name) == value
    assert (
        getattr(merge(beside, {}, {name: list(value) if isinstance(value, tuple) else text}), name) == value
    )


def test_a_protocol_that_nobody_listens_for_is_refused_with_the_list() -> None:
    assert set(PUBLISH_PORTS) == set(LISTENERS)
    message = error(flags={"publish": ("flw",)})
    assert message.startswith("--publish: must be one of ")
    assert message.endswith("not 'flw'; did you mean 'flv'?")
    assert all(protocol in message for protocol in LISTENERS)
    assert "must be between 0 and 65535" in error(flags={"publish": ("flv:70000",)})
    assert "whole number" in error(flags={"publish": ("flv:",)})


def test_flags_win_over_variables_and_those_over_the_file() -> None:
    document = {"port": 1, "window": 10, "host": "0.0.0.0"}
    environ = {"LIVE_TORRENT_PORT": "2", "LIVE_TORRENT_WINDOW": "11"}
    config = merge({"port": "3", "host": None, "stun": ()}, environ, document)
    assert (config.port, config.window, config.host) == (3, 11, "0.0.0.0")


def test_a_switch_can_be_turned_off_again() -> None:
    assert merge({"loop": False}, {}, {"loop": True}).loop is False


def test_an_empty_variable_counts_as_not_set() -> None:
    assert merge({}, {"LIVE_TORRENT_PORT": ""}).port == 8008


def test_an_unknown_key_names_the_nearest() -> None:
    message = error(flags={}, document={"prot": 1}, source="/etc/lt.toml")
    assert message == "/etc/lt.toml: unknown key 'prot'; did you mean 'port'?"


def test_an_unknown_variable_is_a_warning_with_the_nearest() -> None:
    assert unknown_variables({"LIVE_TORRENT_TLS_CER": "x", "HOME": "/", "LIVE_TORRENT_CONFIG": "f"}) == (
        "environment variable LIVE_TORRENT_TLS_CER is not a setting; did you mean 'LIVE_TORRENT_TLS_CERT'?",
    )


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("port", "eighty", "a whole number"),
        ("port", "65536", "between 0 and 65535"),
        ("port", "tcp://10.0.0.1:8008", "enableServiceLinks"),
        ("host", "not a host", "an address such as"),
        ("host", "999.1.1.1", "an address such as"),
        ("public_url", "ftp://x", "http://"),
        ("public_url", "https://a:b@x", "user name"),
        ("public_url", "https://x/?a=1", "query"),
        ("public_url", "https://", "an address such as"),
        ("public_url", "https://x:99999", "an address such as"),
        ("tracker", "https://t.example.org", "ws:// or wss://"),
        ("swarm", "ab" * 19, "40 hex digits"),
        ("stun", "stun:a.example.org?transport=udp", "browsers refuse"),
        ("stun", "turn:a.example.org", "--turn"),
        ("turn", "stun:a.example.org", "turn:host[:port]"),
        ("turn", "turn:a.example.org?transport=sctp", "turn:host[:port]"),
        ("turn", "turn://a.example.org", "turn:host[:port]"),
        ("turn", "turn:user:pass@a.example.org", "credentials"),
        ("turn", "turn:a:70000", "turn:host[:port]"),
        ("turn", "turn:[a.example.org]", "IPv6 address"),
        ("ice_transport_policy", "none", "all, relay"),
        ("sharing", "aks", "did you mean 'ask'?"),
        ("max_upload", "fast", "500k"),
        ("max_upload", "2000G", "between 0"),
        ("max_ratio", "-1", "between 0"),
        ("max_ratio", "nan", "between 0"),
        ("max_ratio", "half", "1.5"),
        ("min_viewers", "0", "between 1"),
        ("stun", "stun://a.example.org", "stun:host[:port]"),
        ("stun", "stun:a:0", "stun:host[:port]"),
        ("stun", "a.example.org", "stun:host[:port]"),
        ("stun", "stun:1,stun:b,stun:c,stun:d,stun:e", "not a host"),
        ("stun", "stun:a,stun:b,stun:c,stun:d,stun:e", "at most 4"),
        ("log_format", "jason", "did you mean 'json'?"),
        ("segment_seconds", "nan", "between"),
        ("segment_seconds", "0", "between"),
        ("window", "2", "between 3"),
        ("loop", "maybe", "true or false"),
        ("max_memory", "1K", "between 16M"),
        ("max_memory", "lots", "512M"),
        ("feed", "a\0b", "control character"),
        ("feed", " ", "empty"),
    ],
)
def test_a_bad_value_says_what_is_accepted(name: str, value: str, says: str) -> None:
    flag = "--" + name.replace("_", "-")
    message = error(flags={name: value})
    assert message.startswith(f"{flag}: ")
    assert says in message
    assert error(flags={}, environ={f"LIVE_TORRENT_{name.upper()}": value + " "}).startswith(
        f"LIVE_TORRENT_{name.upper()}: "
    )


def test_a_wrong_toml_type_is_an_error_not_a_guess() -> None:
    assert "whole number" in error(flags={}, document={"port": True})
    assert "whole number" in error(flags={}, document={"port": 80.5})
    assert "list" in error(flags={}, document={"stun": 5})
    assert "string" in error(flags={}, document={"host": ["a"]})
    assert "string" in error(flags={}, document={"feed": {"a": 1}})


def test_certificate_and_key_go_together() -> None:
    assert error(flags={"tls_cert": "c"}) == "--tls-cert needs --tls-key as well"
    assert error(flags={"tls_key": "c"}) == "--tls-key needs --tls-cert as well"
    assert "exclude" in error(flags={"tls_cert": "c", "tls_key": "k", "tls_self_signed": True})


def test_turn_servers_go_with_their_secret_and_with_our_own_tracker() -> None:
    turn = {"turn": "turn:a.example.org"}
    assert error(flags=turn) == "--turn needs --turn-secret-file as well"
    assert error(flags={"turn_secret_file": "s"}) == "--turn-secret-file needs --turn as well"
    assert "our own tracker" in error(
        flags={**turn, "turn_secret_file": "s", "tracker": "wss://t.example.org"}
    )
    assert "needs --turn" in error(flags={"ice_transport_policy": "relay"})


def test_what_the_operator_does_not_mention_restricts_no_viewer() -> None:
    assert merge({}).terms == Terms()
    flags = {"sharing": "ask", "max_upload": "1M", "min_viewers": "2", "upload_when_hidden": True}
    assert merge(flags).terms == Terms("ask", 1 << 20, None, 2, False, True, False)


def test_an_insecure_tracker_is_refused_for_secure_pages() -> None:
    tracker = {"tracker": "ws://t.example.org"}
    assert "wss://" in error(flags={"tls_self_signed": True, **tracker})
    assert "wss://" in error(flags={"public_url": "https://x.example.org", **tracker})
    merge({"public_url": "http://x.example.org", **tracker})


def test_the_file_is_read_from_flag_or_variable(tmp_path: Path) -> None:
    file = tmp_path / "lt.toml"
    file.write_text('port = 1\nstun = ["stun:a.example.org"]\nloop = true\nmax_memory = "1G"\n')
    expected = Config(port=1, stun=("stun:a.example.org",), loop=True, max_memory=1 << 30)
    assert load({}, {}, file) == expected
    assert load({}, {"LIVE_TORRENT_CONFIG": str(file)}) == expected


def test_paths_in_the_file_are_relative_to_it(tmp_path: Path) -> None:
    file = tmp_path / "lt.toml"
    file.write_text('feed = "streams"\nffmpeg = "/opt/ffmpeg"\n')
    config = load({}, {}, file)
    assert config.feed == tmp_path / "streams"
    assert config.ffmpeg == Path("/opt/ffmpeg")


@pytest.mark.parametrize(
    ("content", "says"), [(b"port = ", "not TOML"), (b"\xff", "not UTF-8"), (None, "cannot read")]
)
def test_a_bad_file_is_named(tmp_path: Path, content: bytes | None, says: str) -> None:
    file = tmp_path / "lt.toml"
    if content is not None:
        file.write_bytes(content)
    for arguments in (({}, {}, file), ({}, {"LIVE_TORRENT_CONFIG": str(file)})):
        with pytest.raises(ConfigError, match=says) as caught:
            load(*arguments)
        assert str(file) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a", "Camera_1.main-2", "x" * 64, "1"])
def test_a_stream_name_is_one_plain_path_component(name: str) -> None:
    assert stream_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "-x", "_x", "a/b", "a\\b", "a b", "ä", "x" * 65, "a%2f"]
)
def test_other_stream_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"cannot name a stream|empty"):
        stream_name(name)


@given(st.text(max_size=80))
def test_no_accepted_stream_name_leaves_its_folder(text: str) -> None:
    try:
        name = stream_name(text)
    except ValueError:
        return
    assert Path("/feed", name).parent == Path("/feed")
    assert name[0].isalnum()
    assert name.isascii()


@given(st.from_regex(r"stun:[a-z\[\]:0-9.?=/ -]{0,30}", fullmatch=True))
def test_no_accepted_stun_address_makes_chromium_throw(text: str) -> None:
    try:
        url = stun_url(text)
    except ValueError:
        return
    assert url.startswith("stun:")
    assert not set("?/ #") & set(url)


@given(st.from_regex(r"turns?:[a-z\[\]:0-9.?=@/ -]{0,40}", fullmatch=True))
def test_no_accepted_turn_address_makes_chromium_throw(text: str) -> None:
    try:
        url = turn_url(text)
    except ValueError:
        return
    assert url.startswith(("turn:", "turns:"))
    assert url.partition("?")[2] in ("", "transport=udp", "transport=tcp")
    assert not set("/ #@") & set(url.partition("?")[0])


@given(st.dictionaries(st.sampled_from(sorted(SETTINGS)), st.text(max_size=20)))
@example({"keys": "~nobody-of-that-name/keys"})
def test_whatever_a_flag_holds_gives_a_configuration_or_a_config_error(flags: dict[str, str]) -> None:
    try:
        config, message = merge(flags), ""
    except ConfigError as caught:
        config, message = Config(), str(caught)
    assert isinstance(config, Config)
    assert "\n" not in message
