"""Somebody else decides who may publish: asked over HTTP, for each publisher that comes.

    POST --publish-hook  {"protocol": "rtmp", "address": "192.0.2.7", "stream": "garden" | null, "key": "…"}

2xx is a yes, for the stream that its JSON names (``{"stream": …}``), else for the one that the publisher
named; 4xx is a no. Whatever else comes is no answer: refused, and said in the log.
"""

from __future__ import annotations

import asyncio
import logging

import aiohttp
import orjson

from seeder.posting import Posts, host, why
from seeder.publish.claim import Claim, Grant, RefusedError
from seeder.publish.keys import MAX_KEY
from seeder.values import stream_name

TIMEOUT = 3.0
"""Seconds for the whole answer, a turn waited for included: encoders give up after five to ten."""
MAX_ANSWER = 16 * 1024
"""Bytes of it: it says a name."""
MOST = 16
"""Questions at once: a flood of publishers is not passed on as one."""

log = logging.getLogger(__name__)


class Hook:
    """An :data:`~seeder.publish.claim.Access`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._host = host(url)
        self._posts = Posts()
        self._turns = asyncio.Semaphore(MOST)

    async def __call__(self, claim: Claim) -> Grant:
        if len(claim.key) > MAX_KEY:
            raise RefusedError("no such key")
        question = {
            "protocol": claim.protocol,
            "address": claim.address,
            "stream": None if claim.stream is None else _text(claim.stream),
            "key": _text(claim.key),
        }
        try:
            async with asyncio.timeout(TIMEOUT), self._turns:
                status, body = await self._ask(orjson.dumps(question))
        except TimeoutError:
            raise self._unknown(f"no answer within {TIMEOUT:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._unknown(why(error)) from None
        if 400 <= status < 500:
            raise RefusedError("no such key", 403 if status == 403 else 401)
        if not 200 <= status < 300:
            raise self._unknown(f"status {status}")
        return Grant(self._stream(body, claim), "")

    def _stream(self, body: bytes, claim: Claim) -> str:
        try:
            answer = orjson.loads(body) if body.strip() else {}
        except orjson.JSONDecodeError:
            answer = {}  # "OK", as scripts say
        named = answer.get("stream") if isinstance(answer, dict) else None
        if named is None and claim.stream is None:
            raise self._unknown("a yes, but neither it nor the publisher names a stream")
        try:
            return stream_name(claim.stream if named is None else named)
        except ValueError:
            raise self._unknown("a yes for what cannot name a stream") from None

    async def _ask(self, question: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        answer = await self._posts.post(self._url, question, headers, MAX_ANSWER)
        if not answer.whole:
            raise ValueError("too long")
        return answer.status, answer.body

    def _unknown(self, why: str) -> RefusedError:
        log.warning("the publish hook at %s: %s; refused", self._host, why)
        return RefusedError("who may publish cannot be found out now", 503)

    async def close(self) -> None:
        """Idempotent; the next question opens it again."""
        await self._posts.close()


def _text(came: str) -> str:
    """What came was bytes, and may be no text."""
    return came.encode(errors="replace").decode()
