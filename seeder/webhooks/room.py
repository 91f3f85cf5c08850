"""Events in, attempts out."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from seeder.config import Config
from seeder.events import Event, Events
from seeder.posting import Posts, host, loopback, why
from seeder.values import WEBHOOK_EVENTS
from seeder.webhooks import box
from seeder.webhooks.message import Message, headers, lane, place_of, told
from seeder.webhooks.schedule import DELAYS, Key, Verdict, delay, fitting, judged, ready, trouble, wake
from seeder.webhooks.secret import read_secrets

TIMEOUT = 10.0
"""Seconds for the whole answer."""
MAX_ANSWER = 4 * 1024
"""Bytes of it that are read, so that the connection can be used again."""
FARTHEST = max(DELAYS) * 2
"""Seconds: what is due later than that was written by another clock."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator says."""

    urls: Mapping[str, str]
    """By place."""
    secrets: tuple[bytes, ...]
    kinds: frozenset[str]


def settings(config: Config) -> Settings:
    """Reads the secret; blocking, ConfigError."""
    file = config.webhook_secret_file
    return Settings(
        {place_of(url): url for url in config.webhook},
        () if file is None else read_secrets(file),
        frozenset(config.webhook_events or WEBHOOK_EVENTS),
    )


class Webhooks:
    """One run's. On the event loop's thread."""

    def __init__(
        self,
        events: Events,
        config: Settings,
        file: Path,
        clock: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
    ) -> None:
        """``file``: of the messages that wait. ``clock``: Unix seconds."""
        self._file = file
        self._clock = clock
        self._dice = dice
        self.settings = config
        """In force now."""
        self._posts = Posts()
        self._waiting: list[Message] = []
        """In the order in which they came."""
        self._flying: dict[Key, asyncio.Task[None]] = {}
        self._gone: set[str] = set()
        """Places that want no more."""
        self._errors: dict[str, str] = {}
        """What the last attempt at a place came to, where that was no good."""
        self._wake = asyncio.Event()
        self._unsaved = False
        self._pen: ThreadPoolExecutor | None = None
        """One thread: what is written later is what stays, also where nobody waits for it any more."""
        self._loaded = False
        self._warn()
        events.watch(self._told)

    def configure(self, config: Settings) -> None:
        """From now on. What waits for a place that is not named any more is dropped; one that wanted no more
        is told again."""
        self.settings = config
        self._warn()
        self._gone.clear()
        self._keep([message for message in self._waiting if message.place in config.urls])
        self._errors = {place: error for place, error in self._errors.items() if place in config.urls}

    def _warn(self) -> None:
        for url in self.settings.urls.values():
            if url.startswith("http:") and not loopback(host(url)):
                log.warning("webhook at %s: over plain HTTP whoever is on the way reads along", host(url))

    def trouble(self) -> str:
        """A line for people; empty when all is well."""
        hosts = {place: host(url) for place, url in self.settings.urls.items()}
        return trouble(hosts, self._waiting, self._errors)

    async def run(self) -> None:
        """Until cancelled; what could not be told by then is written down."""
        if not self._loaded:
            self._loaded = True
            now, found = self._clock(), await asyncio.to_thread(box.load, self._file)
            known = [message for message in found if message.place in self.settings.urls]
            before = [replace(each, due=min(each.due, now + FARTHEST)) for each in known]
            if found:
                self._keep([*before, *self._waiting])
        self._pen = ThreadPoolExecutor(1, "webhooks")
        try:
            while True:
                self._wake.clear()
                # Before it is sent: after a crash it is sent again with the same id.
                await self._save()
                now = self._clock()
                for message in ready(self._waiting, self._flying, now):
                    self._flying[message.key] = asyncio.create_task(self._attempt(message))
                with suppress(TimeoutError):
                    async with asyncio.timeout(wake(self._waiting, now)):
                        await self._wake.wait()
        finally:
            for task in self._flying.values():
                task.cancel()
            await asyncio.gather(*self._flying.values(), return_exceptions=True)
            await self._save()
            self._pen.shutdown(wait=False)  # a disk that hangs must not hold us
            await self._posts.close()

    def _told(self, event: Event) -> None:
        if event.kind not in self.settings.kinds:
            return
        ident, body = f"msg_{secrets.token_hex(12)}", told(event)
        new = [
            Message(ident, place, event.kind, lane(event), body, event.at)
            for place in self.settings.urls
            if place not in self._gone
        ]
        if new:
            self._keep([*self._waiting, *new])

    def _keep(self, messages: list[Message]) -> None:
        self._waiting, lost = fitting(messages)
        self._unsaved = True
        self._wake.set()
        for message in lost:
            self._give_up(message, "too many wait")

    def _give_up(self, message: Message, reason: str) -> None:
        where = host(self.settings.urls.get(message.place, ""))
        log.warning("webhook at %s: %s of %s is given up: %s", where, message.kind, message.stream, reason)

    async def _save(self) -> None:
        if not self._unsaved:
            return
        self._unsaved = False
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._pen, box.save, self._file, tuple(self._waiting))
        except asyncio.CancelledError:
            self._unsaved = True  # it may not even have begun
            raise
        except OSError as error:
            log.warning("webhooks that wait cannot be written to %s: %s", self._file, error.strerror or error)

    # --- attempts --------------------------------------------------------------------------------

    async def _attempt(self, message: Message) -> None:
        try:
            verdict, said, asked = await self._post(message)
            self._judge(message, verdict, said, asked)
        except Exception:
            log.exception("an attempt at a webhook crashed")
            self._judge(message, Verdict.AGAIN, "crashed", None)
        finally:
            self._flying.pop(message.key, None)
            self._wake.set()

    async def _post(self, message: Message) -> tuple[Verdict, str, str | None]:
        """What came of it, in words, and what the place asks for (Retry-After)."""
        url = self.settings.urls.get(message.place)
        if url is None:
            return Verdict.GONE, "is not named any more", None
        signed = headers(message, self.settings.secrets, self._clock())
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await self._posts.post(url, message.body.encode(), signed, MAX_ANSWER)
        except TimeoutError:
            return Verdict.AGAIN, f"no answer within {TIMEOUT:g} s", None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Verdict.AGAIN, why(error), None
        return judged(answer.status), f"status {answer.status}", answer.headers.get("Retry-After")

    def _judge(self, message: Message, verdict: Verdict, said: str, asked: str | None) -> None:
        place = message.place
        if place not in self.settings.urls:
            return  # a reload dropped it
        where = host(self.settings.urls[place])
        rest = [each for each in self._waiting if each.key != message.key]
        if verdict is Verdict.DONE:
            if self._errors.pop(place, None):
                log.info("webhook at %s: is told again", where)
        elif verdict is Verdict.GONE:
            rest = [each for each in rest if each.place != place]
            self._gone.add(place)
            self._errors[place] = "wants no more (410)"
            log.warning("webhook at %s wants no more (410): it is told nothing until the next start", where)
        else:
            attempts = message.attempts + 1
            seconds = delay(attempts, self._dice(), asked)
            if place not in self._errors:
                log.warning("webhook at %s: %s; trying again for a day", where, said)
            self._errors[place] = said
            if seconds is None:
                self._give_up(message, f"{attempts} attempts, at last {said}")
            else:
                again = replace(message, attempts=attempts, due=self._clock() + seconds)
                rest = [again if each.key == message.key else each for each in self._waiting]
        self._keep(rest)
