"""What is kept of keys, and what they open."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from seeder.errors import ConfigError
from seeder.publish import keys
from seeder.publish.keys import Key, Keys

NOW = 1_800_000_000.0
DAY = 86400


def made(*streams: str, **options: object) -> tuple[Keys, list[str]]:
    """Keys of these streams, and what was shown of each."""
    ring, shown = Keys(), []
    for stream in streams:
        ring, _, text = ring.created(stream, NOW, **options)  # type: ignore[arg-type]
        shown.append(text)
    return ring, shown


def test_a_key_is_random_recognisable_and_needs_no_quoting() -> None:
    _, shown = made(*["garden"] * 50)
    assert len(set(shown)) == 50
    # 62 ** 27 > 2 ** 160
    assert all(re.fullmatch(r"lt_[A-Za-z0-9]{27}", key) for key in shown)


def test_a_key_opens_its_stream_and_another_nothing() -> None:
    ring, (garden, shed) = made("garden", "shed")
    assert ring.match(garden) == ring.all[0]
    assert ring.match(shed) == ring.all[1]
    for wrong in ("", "garden", garden[:-1], garden + "x", garden.swapcase(), ring.all[0].digest, "\udc80"):
        assert ring.match(wrong) is None


def test_what_is_written_down_holds_no_key() -> None:
    ring, shown = made("garden", "shed", label="OBS")
    text = keys.dump(ring)
    assert not any(key in text for key in shown)
    assert not any(key in repr(ring) for key in shown)
    assert keys.parse(text) == ring


def test_for_srt_the_key_is_kept_in_clear_and_shown_nowhere_else() -> None:
    ring, (key,) = made("garden", srt=True)
    assert keys.parse(keys.dump(ring)) == ring
    assert ring.passphrase("garden", NOW) == key
    assert ring.passphrase("shed", NOW) is None
    assert key not in repr(ring)
    assert key not in json.dumps(keys.public(ring.all[0]))
    assert ring.match(key) == ring.all[0]


def test_the_youngest_valid_passphrase_counts() -> None:
    ring, (old, young) = made("garden", "garden", srt=True)
    assert ring.passphrase("garden", NOW) == young
    expired = Keys((ring.all[0], replace(ring.all[1], expires=int(NOW))))
    assert expired.passphrase("garden", NOW) == old
    assert made("garden")[0].passphrase("garden", NOW) is None


def test_a_key_ends_when_it_was_to() -> None:
    ring, _ = made("garden", lifetime=DAY)
    (key,) = ring.all
    assert key.valid(NOW + DAY - 1)
    assert not key.valid(NOW + DAY)


def test_rotating_ends_the_old_key_at_once_or_later() -> None:
    ring, (old,) = made("garden", label="OBS", lifetime=DAY, srt=True)
    ident = ring.all[0].id
    later = NOW + DAY / 2
    at_once, key, new = ring.rotated("garden", later)
    assert at_once.match(old) is None
    assert at_once.match(new) == key
    assert (key.stream, key.label, key.expires, key.passphrase) == ("garden", "OBS", int(later) + DAY, new)
    assert key.id != ident
    kept, key, new = ring.rotated(ident, later, keep=600)
    old_one = kept.match(old)
    assert old_one is not None
    assert old_one.expires == later + 600
    assert ring.rotated(ident, later, keep=10 * DAY)[0].all[0].expires == NOW + DAY, "no longer than before"


def test_a_stream_names_its_key_where_it_has_only_one() -> None:
    ring, _ = made("garden", "shed", "shed")
    assert ring.named("garden") == ring.all[0]
    assert ring.named(ring.all[2].id) == ring.all[2]
    with pytest.raises(ConfigError, match=f"shed has 2 keys: name one of {ring.all[1].id}, {ring.all[2].id}"):
        ring.named("shed")
    with pytest.raises(ConfigError, match="no key has the id 'pond'"):
        ring.named("pond")


def test_a_revoked_key_is_gone() -> None:
    ring, (garden, shed) = made("garden", "shed")
    less = ring.revoked(ring.all[0].id)
    assert less.match(garden) is None
    assert less.match(shed) == ring.all[1]
    with pytest.raises(ConfigError, match="no key has the id"):
        less.revoked(ring.all[0].id)


def test_there_is_room_for_so_many_and_dead_ones_leave_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MOST", 2)
    ring, _ = made("garden", "shed", lifetime=60)
    with pytest.raises(ConfigError, match="no more fit"):
        ring.created("pond", NOW)
    later, _, _ = ring.created("pond", NOW + 60)
    assert [key.stream for key in later] == ["pond"]


@pytest.mark.parametrize("stream", ["", "a/b", "..", "x" * 65, "a b"])
def test_a_key_is_for_a_stream_that_can_be(stream: str) -> None:
    with pytest.raises(ConfigError):
        Keys().created(stream, NOW)


@pytest.mark.parametrize("label", ["x" * 81, "bell\x07", "\x1b[31m"])
def test_labels_are_short_and_printable(label: str) -> None:
    with pytest.raises(ConfigError, match="label"):
        Keys().created("garden", NOW, label=label)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30d", 30 * DAY), ("12h", 43200), ("90 m", 5400), ("1W", 7 * DAY), ("10s", 10)]
)
def test_times_have_units(text: str, seconds: int) -> None:
    assert keys.lifetime(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "0h", "1.5h", "99999d", "1y"])
def test_what_is_no_time_says_what_would_be(text: str) -> None:
    with pytest.raises(ValueError, match="30d, 12h or 90m"):
        keys.lifetime(text)


GOOD = keys.dump(made("garden", label="OBS", lifetime=60, srt=True)[0])


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD[:-20],
        "[]",
        '{"version": 2, "keys": []}',
        '{"version": 1, "keys": {}}',
        '{"version": 1, "keys": [1]}',
        GOOD.replace("garden", "../x"),
        GOOD.replace('"created": 1800000000', '"created": "now"'),
        GOOD.replace('"expires": 1800000060', '"expires": true'),
        GOOD.replace('"label": "OBS"', '"label": null'),
        re.sub('"sha256": ".', '"sha256": "x', GOOD),
        re.sub('"passphrase": "lt_.', '"passphrase": "lt_-', GOOD),
        re.sub('"id": ".', '"id": "-', GOOD),
        json.dumps({"version": 1, "keys": json.loads(GOOD)["keys"] * 2}),
    ],
)
def test_a_damaged_file_is_told_and_nothing_of_it(text: str) -> None:
    with pytest.raises(ValueError) as told:
        keys.parse(text)
    assert "lt_" not in str(told.value)
    assert len(str(told.value)) < 60


def test_the_public_side_of_a_key_has_no_hash() -> None:
    key = Key("abcdefghij", "garden", "0" * 64, 5, "OBS", 10, 7)
    assert keys.public(key) == {
        "id": "abcdefghij", "stream": "garden", "label": "OBS", "created": 5, "expires": 10, "lastUsed": 7,
        "srt": False,
    }  # fmt: skip
