"""What is decided without Quart, at the port and behind it alike: media, pages and scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seeder.stats.counters import HttpCounters
from seeder.web.answer import Answer
from seeder.web.endless import endless
from seeder.web.media import Media
from seeder.web.pages import Pages
from seeder.web.waiting import Verdict, Wait


@dataclass(frozen=True, slots=True)
class Hot:
    media: Media
    pages: Pages
    counters: HttpCounters
    onward: bool = False
    """Streams go on as MPEG-TS, which takes more than a moment."""

    def at_once(
        self,
        method: str,
        path: str,
        scheme: str,
        headers: Mapping[str, str],
        query: str = "",
        verdict: Verdict | None = None,
    ) -> Answer | Wait | None:
        """An answer whose body is in memory, or what it has to wait for; ``None``: not for here, or it takes
        a thread. Arguments: as :meth:`Media.at_once`'s, ``path`` any."""
        if not is_media(path):
            return self.pages.answer(method, path, headers) if self.pages.knows(path) else None
        if self.onward and endless(method, path):
            return None
        answer = self.media.at_once(method, path, scheme, headers, query, verdict)
        if isinstance(answer, Wait):
            return answer
        if not isinstance(answer, Answer):
            return None  # a long playlist
        if answer.resource is not None and answer.resource.data is None and method != "HEAD":
            return None  # a file on disk
        return answer

    def knows(self, path: str) -> bool:
        """Whether :meth:`answer` is the one to ask."""
        return is_media(path) or self.pages.knows(path)

    async def answer(
        self, method: str, path: str, scheme: str, headers: Mapping[str, str], query: str = ""
    ) -> Answer:
        """Likewise, whatever it takes, for a path that is known."""
        if is_media(path):
            return await self.media.answer(method, path, scheme, headers, query)
        return self.pages.answer(method, path, headers)


def is_media(path: str) -> bool:
    return path.startswith(("/live/", "/torrents/"))
