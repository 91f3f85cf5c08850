"""A real S3 server: SeaweedFS, one binary out of a wheel, with accounts and signatures."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from seeder.storage.credentials import Credentials

PATIENCE = 90.0
BUCKET = "media"
US = Credentials("OUR-ACCESS-KEY-ID", "our-secret-access-key")
NOT_S3 = ("master", "volume", "filer")


def ports(count: int) -> list[int]:
    """Free ones, those 10,000 above free as well: there it speaks gRPC."""
    found: list[int] = []
    for port in range(20_000 + hash(Path.cwd()) % 3_000, 50_000):
        with socket.socket() as one, socket.socket() as other, suppress(OSError):
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 10_000))
            found.append(port)
        if len(found) == count:
            break
    return found


@dataclass
class Bucket:
    """Its server, which may be started later."""

    weed: Path
    folder: Path
    ports: list[int]
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports[3]}"

    async def start(self) -> None:
        """Returns once anybody can read, and we can write."""
        reads = {"name": "anonymous", "actions": [f"Read:{BUCKET}"]}
        keys = [{"accessKey": US.id, "secretKey": US.secret}]
        writes = {"name": "us", "credentials": keys, "actions": ["Read", "Write", "List"]}
        (self.folder / "s3.json").write_text(json.dumps({"identities": [writes, reads]}))
        listening = [f"-{name}.port={port}" for name, port in zip(NOT_S3, self.ports, strict=False)]
        with (self.folder / "weed.log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(self.weed, "server", f"-dir={self.folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
                    *(*listening, "-filer", "-s3", f"-s3.port={self.ports[3]}", "-s3.port.iceberg=0"),
                    *("-s3.port.lance=0", f"-s3.config={self.folder / 's3.json'}", "-volume.max=20"),
                    *("-master.volumeSizeLimitMB=64", "-master.telemetry=false"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        # A bucket is a folder of its files.
        made = f"http://127.0.0.1:{self.ports[2]}/buckets/{BUCKET}/"
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
            for method, url, good in (
                ("POST", made, (201,)),
                ("GET", f"{self.endpoint}/{BUCKET}/x", (403, 404)),
            ):
                while await self._status(session, method, url) not in good:
                    assert self.process.poll() is None, (self.folder / "weed.log").read_text()[-3000:]
                    await asyncio.sleep(0.1)

    async def _status(self, session: aiohttp.ClientSession, method: str, url: str) -> int:
        try:
            # With a type it would want a form.
            async with session.request(method, url, skip_auto_headers=["Content-Type"]) as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        for port in self.ports:
            for path in Path("/tmp").glob(f"seaweedfs-*{port % 10_000:04d}.sock"):
                if path.name.endswith((f"-{port}.sock", f"-{port + 10_000}.sock")):
                    path.unlink(missing_ok=True)


@pytest_asyncio.fixture(loop_scope="session")
async def bucket(tmp_path: Path) -> AsyncIterator[Bucket]:
    """Not started."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        pytest.skip("no SeaweedFS, for there is no wheel of it for this machine")
    folder = tmp_path / "weed"
    folder.mkdir()
    made = Bucket(weed, folder, ports(4))
    yield made
    made.stop()
