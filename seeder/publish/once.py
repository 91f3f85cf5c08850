"""A key for one run: whoever sits at the terminal that shows it may publish one stream, until it ends."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace

from seeder.config import Config, Guest, Plan
from seeder.publish.claim import Claim, Grant, RefusedError
from seeder.publish.keys import MAX_KEY, PREFIX


def guest(stream: str) -> Guest:
    """With a key that nobody had before, and nothing keeps."""
    return Guest(stream, PREFIX + secrets.token_hex(16))


def with_studio(plan: Plan) -> Plan:
    """``plan`` with pages as publishers, and a :func:`guest` among them; also when it is read anew."""
    again = plan.again

    def opened(config: Config) -> Config:
        if any(wanted.startswith("browser:") for wanted in config.publish):
            return config
        return replace(config, publish=(*config.publish, "browser:0"))

    return replace(
        plan,
        config=opened(plan.config),
        guest=guest("studio"),
        again=None if again is None else lambda: opened(again()),
    )


class Once:
    """An :data:`~seeder.publish.claim.Access`."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    async def __call__(self, claim: Claim) -> Grant:
        shown, known = claim.key[:MAX_KEY].encode("utf-8", "surrogatepass"), self._guest.key.encode()
        if not hmac.compare_digest(shown, known):
            raise RefusedError("no such key")
        return Grant(self._guest.stream, "")
