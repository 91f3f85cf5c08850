"""Where copies go, and where viewers find them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

REGION = "us-east-1"
"""What servers that are not Amazon's mostly take for theirs."""


@dataclass(frozen=True, slots=True)
class Place:
    bucket: str
    prefix: str
    """Without slashes at its ends; may be empty."""
    endpoint: str | None
    """``http(s)://host[:port]``; ``None``: Amazon's."""
    region: str
    public: str
    """What stands before a recording's name in URLs, without a slash at its end."""

    def url(self, recording: str) -> str:
        """Of the recording's folder."""
        return f"{self.public}/{quote(recording, safe='')}"


def place_of(
    storage: str, endpoint: str | None = None, region: str | None = None, public: str | None = None
) -> Place:
    """``storage``: ``s3://bucket[/prefix]``, checked (:func:`seeder.values.as_storage`)."""
    bucket, _, prefix = storage.removeprefix("s3://").partition("/")
    region = region or REGION
    if public is None:
        server = endpoint or f"https://s3.{region}.amazonaws.com"
        public = "/".join(filter(None, (server, bucket, prefix)))
    return Place(bucket, prefix, endpoint, region, public.rstrip("/"))
