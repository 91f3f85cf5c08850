"""The tags of RFC 8216bis §4.4: where each may stand, what its value and attributes are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

_INTEGER = re.compile(r"\d{1,20}")
_FLOAT = re.compile(r"\d+(\.\d*)?")
_SIGNED = re.compile(r"-?\d+(\.\d*)?")
_HEX = re.compile(r"0[xX][0-9A-Fa-f]+")
_QUOTED = re.compile(r'"[^"\r\n]*"')
_SIZE = re.compile(r"\d+x\d+")
_RANGE = re.compile(r"\d+(@\d+)?")
_WORD = re.compile(r'[^",\s]+')


def _enumerated(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, words)))


_YES_NO = _enumerated("YES", "NO")
_YES = _enumerated("YES")
_METHOD = _enumerated("NONE", "AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR")


def _quoted_range(value: str) -> bool:
    return _QUOTED.fullmatch(value) is not None and _RANGE.fullmatch(value[1:-1]) is not None


def _quoted_date(value: str) -> bool:
    return _QUOTED.fullmatch(value) is not None and is_date(value[1:-1])


def _captions(value: str) -> bool:
    return value == "NONE" or _QUOTED.fullmatch(value) is not None


def is_date(text: str) -> bool:
    """ISO 8601, as dates in playlists are."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


Kind = re.Pattern[str] | Callable[[str], bool]


def fits(kind: Kind, value: str) -> bool:
    """Whether a value is of its kind."""
    return kind.fullmatch(value) is not None if isinstance(kind, re.Pattern) else kind(value)


@dataclass(frozen=True)
class Tag:
    """What is known of a tag."""

    section: str
    media: bool = True
    multivariant: bool = False
    once: bool = False
    value: Kind | None = None
    """Of a tag that has one and no attributes."""
    attributes: Mapping[str, Kind] = field(default_factory=dict)
    """Those with a kind; others may be there, too: clients ignore what they do not know (§6.3.1)."""
    required: frozenset[str] = frozenset()
    empty: bool = False
    """It has no value."""
    segment: bool = False
    """It belongs to the next URI."""


def _list(
    section: str,
    attributes: Mapping[str, Kind],
    required: str = "",
    *,
    multivariant: bool = False,
    media: bool = True,
    once: bool = False,
    segment: bool = False,
) -> Tag:
    names = frozenset(required.split())
    return Tag(section, media, multivariant, once, attributes=attributes, required=names, segment=segment)


TAGS: dict[str, Tag] = {
    "EXT-X-VERSION": Tag("4.4.1.2", multivariant=True, once=True, value=_INTEGER),
    "EXT-X-INDEPENDENT-SEGMENTS": Tag("4.4.2.1", multivariant=True, once=True, empty=True),
    "EXT-X-START": _list(
        "4.4.2.2", {"TIME-OFFSET": _SIGNED, "PRECISE": _YES_NO}, "TIME-OFFSET", once=True, multivariant=True
    ),
    "EXT-X-DEFINE": _list(
        "4.4.2.3",
        {"NAME": _QUOTED, "VALUE": _QUOTED, "IMPORT": _QUOTED, "QUERYPARAM": _QUOTED},
        multivariant=True,
    ),
    "EXT-X-TARGETDURATION": Tag("4.4.3.1", once=True, value=_FLOAT),  # an integer, says another rule
    "EXT-X-MEDIA-SEQUENCE": Tag("4.4.3.2", once=True, value=_INTEGER),
    "EXT-X-DISCONTINUITY-SEQUENCE": Tag("4.4.3.3", once=True, value=_INTEGER),
    "EXT-X-ENDLIST": Tag("4.4.3.4", once=True, empty=True),
    "EXT-X-PLAYLIST-TYPE": Tag("4.4.3.5", once=True, value=_enumerated("EVENT", "VOD")),
    "EXT-X-I-FRAMES-ONLY": Tag("4.4.3.6", once=True, empty=True),
    "EXT-X-PART-INF": _list("4.4.3.7", {"PART-TARGET": _FLOAT}, "PART-TARGET", once=True),
    "EXT-X-SERVER-CONTROL": _list(
        "4.4.3.8",
        {
            "CAN-SKIP-UNTIL": _FLOAT,
            "CAN-SKIP-DATERANGES": _YES_NO,
            "HOLD-BACK": _FLOAT,
            "PART-HOLD-BACK": _FLOAT,
            "CAN-BLOCK-RELOAD": _YES_NO,
        },
        once=True,
    ),
    "EXTINF": Tag("4.4.4.1", value=re.compile(r"\d+(\.\d*)?(,.*)?"), segment=True),
    "EXT-X-BYTERANGE": Tag("4.4.4.2", value=_RANGE, segment=True),
    "EXT-X-DISCONTINUITY": Tag("4.4.4.3", empty=True, segment=True),
    "EXT-X-KEY": _list(
        "4.4.4.4",
        {"METHOD": _METHOD, "URI": _QUOTED, "IV": _HEX, "KEYFORMAT": _QUOTED, "KEYFORMATVERSIONS": _QUOTED},
        "METHOD",
    ),
    "EXT-X-MAP": _list("4.4.4.5", {"URI": _QUOTED, "BYTERANGE": _quoted_range}, "URI"),
    "EXT-X-PROGRAM-DATE-TIME": Tag("4.4.4.6", value=is_date, segment=True),
    "EXT-X-GAP": Tag("4.4.4.7", empty=True, segment=True),
    "EXT-X-BITRATE": Tag("4.4.4.8", value=_INTEGER),
    "EXT-X-PART": _list(
        "4.4.4.9",
        {"URI": _QUOTED, "DURATION": _FLOAT, "INDEPENDENT": _YES, "BYTERANGE": _quoted_range, "GAP": _YES},
        "URI DURATION",
    ),
    "EXT-X-DATERANGE": _list(
        "4.4.5.1",
        {
            "ID": _QUOTED,
            "CLASS": _QUOTED,
            "START-DATE": _quoted_date,
            "END-DATE": _quoted_date,
            "DURATION": _FLOAT,
            "PLANNED-DURATION": _FLOAT,
            "END-ON-NEXT": _YES,
            "SCTE35-CMD": _HEX,
            "SCTE35-OUT": _HEX,
            "SCTE35-IN": _HEX,
        },
        "ID",
    ),
    "EXT-X-SKIP": _list(
        "4.4.5.2",
        {"SKIPPED-SEGMENTS": _INTEGER, "RECENTLY-REMOVED-DATERANGES": _QUOTED},
        "SKIPPED-SEGMENTS",
        once=True,
    ),
    "EXT-X-PRELOAD-HINT": _list(
        "4.4.5.3",
        {
            "TYPE": _enumerated("PART", "MAP"),
            "URI": _QUOTED,
            "BYTERANGE-START": _INTEGER,
            "BYTERANGE-LENGTH": _INTEGER,
        },
        "TYPE URI",
    ),
    "EXT-X-RENDITION-REPORT": _list(
        "4.4.5.4", {"URI": _QUOTED, "LAST-MSN": _INTEGER, "LAST-PART": _INTEGER}, "URI"
    ),
    "EXT-X-MEDIA": _list(
        "4.4.6.1",
        {
            "TYPE": _enumerated("AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"),
            "URI": _QUOTED,
            "GROUP-ID": _QUOTED,
            "LANGUAGE": _QUOTED,
            "ASSOC-LANGUAGE": _QUOTED,
            "NAME": _QUOTED,
            "STABLE-RENDITION-ID": _QUOTED,
            "DEFAULT": _YES_NO,
            "AUTOSELECT": _YES_NO,
            "FORCED": _YES_NO,
            "INSTREAM-ID": _QUOTED,
            "BIT-DEPTH": _INTEGER,
            "SAMPLE-RATE": _INTEGER,
            "CHARACTERISTICS": _QUOTED,
            "CHANNELS": _QUOTED,
        },
        "TYPE GROUP-ID NAME",
        multivariant=True,
        media=False,
    ),
    "EXT-X-STREAM-INF": _list(
        "4.4.6.2",
        {
            "BANDWIDTH": _INTEGER,
            "AVERAGE-BANDWIDTH": _INTEGER,
            "SCORE": _FLOAT,
            "CODECS": _QUOTED,
            "SUPPLEMENTAL-CODECS": _QUOTED,
            "RESOLUTION": _SIZE,
            "FRAME-RATE": _FLOAT,
            "HDCP-LEVEL": _enumerated("TYPE-0", "TYPE-1", "NONE"),
            "ALLOWED-CPC": _QUOTED,
            "VIDEO-RANGE": _enumerated("SDR", "HLG", "PQ"),
            "REQ-VIDEO-LAYOUT": _QUOTED,
            "STABLE-VARIANT-ID": _QUOTED,
            "AUDIO": _QUOTED,
            "VIDEO": _QUOTED,
            "SUBTITLES": _QUOTED,
            "CLOSED-CAPTIONS": _captions,
            "PATHWAY-ID": _QUOTED,
        },
        "BANDWIDTH",
        segment=True,
        multivariant=True,
        media=False,
    ),
    "EXT-X-I-FRAME-STREAM-INF": _list(
        "4.4.6.3",
        {
            "BANDWIDTH": _INTEGER,
            "AVERAGE-BANDWIDTH": _INTEGER,
            "CODECS": _QUOTED,
            "RESOLUTION": _SIZE,
            "URI": _QUOTED,
            "VIDEO": _QUOTED,
        },
        "BANDWIDTH URI",
        multivariant=True,
        media=False,
    ),
    "EXT-X-SESSION-DATA": _list(
        "4.4.6.4",
        {"DATA-ID": _QUOTED, "VALUE": _QUOTED, "URI": _QUOTED, "FORMAT": _WORD, "LANGUAGE": _QUOTED},
        "DATA-ID",
        multivariant=True,
        media=False,
    ),
    "EXT-X-SESSION-KEY": _list(
        "4.4.6.5",
        {"METHOD": _METHOD, "URI": _QUOTED, "IV": _HEX, "KEYFORMAT": _QUOTED, "KEYFORMATVERSIONS": _QUOTED},
        "METHOD",
        multivariant=True,
        media=False,
    ),
    "EXT-X-CONTENT-STEERING": _list(
        "4.4.6.6",
        {"SERVER-URI": _QUOTED, "PATHWAY-ID": _QUOTED},
        "SERVER-URI",
        once=True,
        multivariant=True,
        media=False,
    ),
}
