"""What docs/api.md shows a receiver."""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path
from typing import Any

from seeder.values import WEBHOOK_EVENTS
from seeder.webhooks.message import Message, headers

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text("utf-8")
SECRET = base64.b64encode(bytes(range(32))).decode()


def test_the_sample_tells_ours_from_others() -> None:
    sample: dict[str, Any] = {}
    exec(next(code for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "hmac" in code), sample)
    verified = sample["verified"]
    message = Message("msg_1", "here", "stream.live", "garden", '{"a": "ü"}', 0.0)
    body = message.body.encode()
    now = time.time()
    given = {k.lower(): v for k, v in headers(message, [b"x" * 24, bytes(range(32))], now).items()}
    assert verified(SECRET + "\n", given, body)
    assert verified("whsec_" + SECRET, given, body)
    assert not verified(SECRET, given, body + b" ")
    assert not verified(base64.b64encode(bytes(32)).decode(), given, body)
    assert not verified(SECRET, given | {"webhook-id": "msg_2"}, body)
    old = {k.lower(): v for k, v in headers(message, [bytes(range(32))], now - 400).items()}
    assert not verified(SECRET, old, body)


def test_every_kind_is_told_of() -> None:
    for kind in WEBHOOK_EVENTS:
        assert f"`{kind}`" in TEXT, kind
