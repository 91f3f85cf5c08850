"""``GET /api/recordings/NAME/exports/FILE``: a file that was made of a recording, whole or a range of it.

Beside Quart, as everything large is: sent from the disk at its reader's pace.
"""

from __future__ import annotations

import asyncio
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, quote

import orjson

from seeder.feed.beneath import resolve, signature_of
from seeder.model import Kind, Resource
from seeder.recording import exports
from seeder.recording.about import EXPORTS, Recording
from seeder.recording.export_formats import ExportError, format_of
from seeder.recording.exports import KIND, Kept
from seeder.tasks import Tasks
from seeder.tracker.gate import client_key
from seeder.web import security
from seeder.web.answer import NEVER, Answer
from seeder.web.described import Bytes, described
from seeder.web.media import resource_answer
from seeder.web.operator import ApiError, Operator

TEMPLATE = "/api/recordings/{name}/exports/{file}"
MOST = 500
"""Downloads at once: each has a file open, and a chunk of it in memory."""
MOST_OF_ONE = 32
"""The same of one address: an office, or two people with programs that fetch ranges side by side."""

_PATH = re.compile("/api/recordings/([^/]+)/exports/([^/]+)")


@described(
    "Download a file that was made of a recording",
    tag="recordings",
    query={"task": ("where downloads are the admin's: the id of the task that made it", {"type": "string"})},
    headers={"Range": ("a single range of bytes", {"type": "string"})},
    answers={
        200: ("all of it", Bytes("video/mp4")),
        206: ("a range of it", Bytes("video/mp4")),
        304: ("what you have is it", None),
    },
    errors={
        401: "For the admin alone, or who knows the task's id.",
        403: "A token, sent by a page of another site.",
        404: "There is none.",
        416: "It is shorter.",
        429: "Too many at once from this address, or wrong tokens.",
        503: "Too many at once.",
    },
)
class Downloads:
    """``feed``: resolved; ``public``: for everybody; ``trust_proxy`` is the operator's to know."""

    def __init__(self, feed: Path, tasks: Tasks, operator: Operator, *, public: bool) -> None:
        self._feed = feed
        self._tasks = tasks
        self._operator = operator
        self._public = public
        self._readers: Counter[str] = Counter()
        """Downloads under way, by who has them."""

    def knows(self, method: str, path: str) -> bool:
        """Whether :meth:`answer` is the one to ask."""
        return method in ("GET", "HEAD") and _PATH.fullmatch(path) is not None

    async def answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], peer: str
    ) -> Answer:
        """``path``: percent-decoded, and known; ``headers``: by lower-case name; ``peer``: the address that
        the connection comes from."""
        match = _PATH.fullmatch(path)
        assert match is not None, "it is known"
        name, file = match.groups()
        try:
            if not self._public or "authorization" in headers:
                self._may(name, file, query, headers, peer)
            found = await asyncio.to_thread(self._look, name, file)
        except ApiError as error:
            return refusal(error.status, str(error), **error.headers)
        if found is None:
            return refusal(404, "no such export")
        resource, disposition = found
        if method == "HEAD":  # a range is defined for GET alone (RFC 9110 §14.2)
            headers = {key: value for key, value in headers.items() if key != "range"}
        answer = resource_answer(resource, headers)
        if answer.status == 416:
            kept = {key: value for key, value in answer.headers if key == "Content-Range"}
            return refusal(416, "the file is shorter", **kept)
        # Its bytes change when the recording does, and it is downloaded once: caches need not keep it.
        return replace(answer, headers=(*answer.headers, ("Content-Disposition", disposition)))

    @contextmanager
    def reader(self, headers: Mapping[str, str], peer: str) -> Iterator[Answer | None]:
        """A place for one more; else what is answered in its stead."""
        client = client_key(self._operator.client(headers, peer))
        if self._readers[client] >= MOST_OF_ONE:
            yield refusal(429, "too many downloads at once from your address", **{"Retry-After": "60"})
            return
        if self._readers.total() >= MOST:
            yield refusal(503, "too many downloads at once: try again later", **{"Retry-After": "60"})
            return
        self._readers[client] += 1
        try:
            yield None
        finally:
            self._readers[client] -= 1
            if not self._readers[client]:
                del self._readers[client]

    def _may(self, name: str, file: str, query: str, headers: Mapping[str, str], peer: str) -> None:
        """ApiError: whoever asks may not have it."""
        if "authorization" not in headers:
            task = self._tasks.get(parse_qs(query).get("task", [""])[0])
            if (
                task is not None
                and (task.kind, task.about) == (KIND, name)
                and task.result.get("file") == file
            ):
                return
        self._operator.judge(headers, peer)

    def _look(self, name: str, file: str) -> tuple[Resource, str] | None:
        """The file, and what it is to be called; ``None``: there is none. Blocking."""
        try:
            recording = exports.recording_of(self._feed, name)
        except ExportError:
            return None
        kept = exports.load(self._feed / name, file)
        path = None if kept is None else resolve(self._feed, f"{name}/{EXPORTS}/{file}")
        if kept is None or path is None:
            return None
        try:
            signature = signature_of(path.stat())
        except OSError:
            return None
        kind = format_of(kept.format).content_type
        resource = Resource(file, Kind.OTHER, kind, signature.size, signature.etag, file=path)
        return resource, disposition(called(recording, kept))


def called(recording: Recording, kept: Kept) -> str:
    """What a person's file is called: title and day, and which part. Pure."""
    title = recording.title or recording.of or recording.name
    day = time.strftime("%Y-%m-%d", time.gmtime(recording.started))
    part = "" if kept.whole else f" {_clock(kept.start)}-{_clock(kept.stop)}"
    # No folder, nothing hidden, no device's name, nothing that a shell or Windows takes for something else.
    plain = "".join(" " if c in '/\\:*?"<>|' or not c.isprintable() else c for c in f"{title} {day}{part}")
    return " ".join(plain.split()).lstrip(".- ")[:120].strip() + f".{kept.format}"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}h{whole // 60 % 60:02}m{whole % 60:02}s"


def disposition(name: str) -> str:
    """RFC 6266: an attachment, whose name in full is RFC 8187's, and one in ASCII for who does not know that.
    Pure."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().replace('"', "")
    plain = " ".join(plain.replace("\\", " ").replace("%", " ").split())
    full = quote(name, safe="!#$&+-.^_`|~", errors="replace")
    if plain.startswith("."):
        plain = f"recording{plain}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"


def refusal(status: int, text: str, **headers: str) -> Answer:
    kept = (("Content-Type", "application/json"), ("Cache-Control", NEVER), *headers.items())
    return Answer(status, (*security.API, *kept), "error", orjson.dumps({"error": text}))
