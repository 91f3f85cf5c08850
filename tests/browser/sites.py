"""Other people's sites: pages of another origin that use ours."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

VIOLATIONS = """
window.violations = []
document.addEventListener('securitypolicyviolation', event => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`)
})
"""
"""For a page before it opens: what its Content-Security-Policy did not allow is in ``window.violations``."""


class Website:
    """A plain web server: what is in ``files``, by path, and 404. ``""`` answers everything else."""

    def __init__(self, files: Mapping[str, str | bytes], headers: Mapping[str, str]) -> None:
        self.url = ""
        """``http://127.0.0.1:<port>``, no trailing slash."""
        self.files = dict(files)
        self.headers = dict(headers)
        """Of every answer."""
        self.asked: list[str] = []
        """Method and path of each request."""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, _ = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split(" ", 2)
        path = target.split("?")[0]
        self.asked.append(f"{method} {path}")
        found = self.files.get(path, self.files.get(""))
        kind = mimetypes.guess_type(path)[0] or "text/html"
        body = found.encode() if isinstance(found, str) else found or b""
        fields = {"Content-Type": kind, "Content-Length": len(body), "Connection": "close"} | self.headers
        lines = [f"HTTP/1.1 {404 if found is None else 200} -", *(f"{k}: {v}" for k, v in fields.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def website(
    files: Mapping[str, str | bytes], headers: Mapping[str, str] | None = None
) -> AsyncIterator[Website]:
    """Serve these files from an origin of their own."""
    running = Website(files, headers or {})
    async with await asyncio.start_server(running.answer, "127.0.0.1", 0) as server:
        running.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield running


@asynccontextmanager
async def site(html: str) -> AsyncIterator[str]:
    """A server that answers everything with this page; its address."""
    async with website({"": html}) as running:
        yield f"{running.url}/"
