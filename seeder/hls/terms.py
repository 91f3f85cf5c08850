"""What the operator lets viewers exchange, as attributes of the swarm tag; ``client/terms.js`` reads them.

Pure. Each is optional, and absent where it restricts nothing; clients ignore those they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from seeder.model import MAX_RATIO, MAX_UPLOAD, MAX_VIEWERS, Terms

_NUMBERS = {"MAX-UPLOAD": MAX_UPLOAD, "MAX-RATIO": MAX_RATIO, "MIN-VIEWERS": MAX_VIEWERS}
_WORDS = {
    "SHARING": ("on", "ask", "off"),
    "UPLOAD-ON-CELLULAR": ("YES", "NO"),
    "UPLOAD-WHEN-HIDDEN": ("YES", "NO"),
    "ICE-TRANSPORT-POLICY": ("all", "relay"),
}


def attributes(terms: Terms) -> list[str]:
    """``NAME=value`` of what is not the default; enumerated strings and numbers have no quotes."""
    found = []
    if terms.sharing != "on":
        found.append(f"SHARING={terms.sharing}")
    if terms.max_upload is not None:
        found.append(f"MAX-UPLOAD={terms.max_upload}")
    if terms.max_ratio is not None:
        found.append(f"MAX-RATIO={f'{terms.max_ratio:.3f}'.rstrip('0').rstrip('.')}")
    if terms.min_viewers > 1:
        found.append(f"MIN-VIEWERS={terms.min_viewers}")
    if terms.upload_on_cellular:
        found.append("UPLOAD-ON-CELLULAR=YES")
    if terms.upload_when_hidden:
        found.append("UPLOAD-WHEN-HIDDEN=YES")
    if terms.relay_only:
        found.append("ICE-TRANSPORT-POLICY=relay")
    return found


def problems(found: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the attributes of a swarm tag, one line each."""
    for name, words in _WORDS.items():
        if name in found and found[name] not in words:
            yield f"{name} is none of {', '.join(words)}: {found[name]!r}"
    for name, most in _NUMBERS.items():
        text = found.get(name, "0")
        if not re.fullmatch(r"\d{1,13}(\.\d{1,6})?", text) or float(text) > most:
            yield f"{name} is no decimal number from 0 to {most}: {text!r}"
