"""The words of tus 1.0 (https://tus.io/protocols/resumable-upload), read and written. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from email.utils import formatdate

from seeder.imports.uploads import ALGORITHMS, Upload, UploadError, Wanted

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination,checksum"
MEDIA = "application/offset+octet-stream"
"""Of a request that brings bytes."""
MOST_METADATA = 4096
"""Characters: a name and a title, not a document."""
METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS")


def promises(limit: int) -> dict[str, str]:
    """What OPTIONS is answered with."""
    return {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(limit),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        "Allow": ", ".join(METHODS),
    }


def length_of(headers: Mapping[str, str]) -> int:
    """Upload-Length. Raises :class:`UploadError`; ``headers`` by lower-case name, as everywhere here."""
    if "upload-defer-length" in headers:
        raise UploadError(400, "Upload-Defer-Length is not supported: say Upload-Length")
    return _number(headers, "upload-length")


def offset_of(headers: Mapping[str, str]) -> int:
    return _number(headers, "upload-offset")


def _number(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise UploadError(400, f"{name.title()} must be a whole number of bytes")
    return int(text)


def wanted_of(text: str) -> Wanted:
    """What Upload-Metadata asks for: ``filename``, ``name`` and ``title``; what else is in it is kept alone.
    Raises :class:`UploadError`."""
    if len(text) > MOST_METADATA:
        raise UploadError(400, f"Upload-Metadata is longer than {MOST_METADATA} characters")
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            raise UploadError(400, f"Upload-Metadata: {key[:40]!r} has no base64 of UTF-8 text") from None
    # Some clients send a path; Windows' has backslashes.
    filename = found.get("filename", "").replace("\\", "/").rpartition("/")[2]
    clean = {"filename": filename, "name": found.get("name", ""), "title": found.get("title", "")}
    plain = {key: "".join(c for c in value if c.isprintable())[:200] for key, value in clean.items()}
    return Wanted(**plain)


def checksum_of(headers: Mapping[str, str]) -> tuple[str, bytes] | None:
    """(algorithm, digest); ``None``: there is none. Raises :class:`UploadError`."""
    if (text := headers.get("upload-checksum")) is None:
        return None
    algorithm, _, digest = text.partition(" ")
    if algorithm not in ALGORITHMS:
        raise UploadError(400, f"a checksum must be of {', '.join(ALGORITHMS)}")
    try:
        return algorithm, base64.b64decode(digest.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise UploadError(400, "a checksum must be in base64") from None


def state_of(upload: Upload, offset: int) -> dict[str, str]:
    """How far an upload is, and what became of it."""
    out = {"Tus-Resumable": VERSION, "Upload-Offset": str(offset), "Upload-Length": str(upload.length)}
    if upload.metadata:
        out["Upload-Metadata"] = upload.metadata
    if offset < upload.length:
        out["Upload-Expires"] = formatdate(upload.expires, usegmt=True)
    if upload.task:
        out["Task"] = upload.task
    return out
