"""Where the key stands in what encoders send."""

from __future__ import annotations

import pytest

from seeder.publish.rtmp.wish import Wish, wish


@pytest.mark.parametrize(
    ("app", "name", "key", "stream"),
    [
        ("live", "KEY", "KEY", None),
        ("", "KEY", "KEY", None),
        ("live/", "KEY", "KEY", None),
        ("live", "KEY?bandwidthtest=true", "KEY", None),
        ("live", "garden?key=KEY", "KEY", "garden"),
        ("live", "garden?a=b&key=K%2BEY", "K+EY", "garden"),
        ("live?key=KEY", "garden", "KEY", "garden"),
        ("live/garden", "KEY", "KEY", "garden"),
        ("live/garden/", "KEY", "KEY", "garden"),
        ("live/garden", "?key=KEY", "KEY", "garden"),
        ("live", "", "", None),
        ("live", "garden?" + "a=b&" * 1000 + "key=KEY", "garden", None),
    ],
)
def test_the_key_is_found(app: str, name: str, key: str, stream: str | None) -> None:
    assert wish(app, name) == Wish(key, stream)
    assert "KEY" not in repr(Wish("KEY"))
