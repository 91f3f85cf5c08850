"""Speaks S3, by obstore: the only module that imports it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Any

from seeder.errors import LiveTorrentError
from seeder.storage.credentials import Credentials
from seeder.storage.place import Place

if TYPE_CHECKING:
    from obstore.store import S3Store

TIMEOUT = "60s"
"""For one request: a segment of 10 MB at 1.5 Mbit/s."""
CONNECT = "10s"
RETRIES = 2
"""Of one request; then the whole recording waits, longer and longer."""


class StorageError(LiveTorrentError):
    """The store does not do as it is told; without credentials."""


class Store:
    """One place's. Its methods are safe to cancel; they raise :class:`StorageError`."""

    def __init__(self, place: Place, credentials: Credentials) -> None:
        from obstore.store import S3Store  # some MB that nobody needs without --storage

        more: dict[str, Any] = {}
        if place.endpoint is not None:
            more["endpoint"] = place.endpoint
        if credentials.token:
            more["session_token"] = credentials.token
        self._store: S3Store = S3Store(
            place.bucket,
            prefix=place.prefix or None,
            region=place.region,
            access_key_id=credentials.id,
            secret_access_key=credentials.secret,
            client_options={
                "allow_http": (place.endpoint or "").startswith("http:"),
                "timeout": TIMEOUT,
                "connect_timeout": CONNECT,
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=30)},
            **more,
        )

    async def list(self, folder: str) -> dict[str, tuple[int, str]]:
        """Path below ``folder`` → bytes and entity tag, without quotes."""
        import obstore

        found: dict[str, tuple[int, str]] = {}
        try:
            async for some in obstore.list(self._store, f"{folder}/"):
                for one in some:
                    path = one["path"].removeprefix(f"{folder}/")
                    found[path] = (one["size"], (one["e_tag"] or "").strip('"'))
        except Exception as error:  # noqa: BLE001 (obstore's have no common class but this)
            raise told(error) from None
        return found

    async def put(self, path: str, data: bytes | IO[bytes], headers: Mapping[str, str]) -> None:
        import obstore

        try:
            await obstore.put_async(self._store, path, data, attributes=dict(headers))
        except Exception as error:  # noqa: BLE001
            raise told(error) from None

    async def delete(self, folder: str) -> None:
        """All that is below it; nothing is no error."""
        import obstore

        try:
            while paths := [f"{folder}/{path}" for path in list(await self.list(folder))[:1000]]:
                await obstore.delete_async(self._store, paths)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001
            raise told(error) from None


def told(error: Exception) -> StorageError:
    """Never the error's own words: they hold addresses, and what the server repeats of what it was shown."""
    text = str(error)
    code, status = re.search(r"<Code>(\w{1,60})</Code>", text), re.search(r"status code: (\d{3})", text)
    if code is not None:
        return StorageError(f"the store says {code[1]}")
    if status is not None:
        return StorageError(f"the store answers {status[1]}")
    why = re.search(
        r"connection refused|connection reset|timed out|dns error|certificate", text, re.IGNORECASE
    )
    return StorageError(f"the store cannot be reached{f' ({why[0].lower()})' if why else ''}")
