"""Every rule there is: where it stands, how much it binds, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TAGS = "live-torrent tags"
APPLE = "HLS authoring"
WEB = "Fetch"


class Level(StrEnum):
    """How much a rule binds."""

    MUST = "must"
    """Broken, players may refuse, stall or show the wrong thing."""
    SHOULD = "should"
    ADVICE = "advice"
    """Nobody demands it; viewers are better off with it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One sentence of RFC 8216bis, of Apple's authoring rules or of our tags' own contract."""

    key: str
    """Short and stable, e.g. ``target-duration-changed``."""
    section: str
    """Of RFC 8216bis, e.g. ``4.4.3.1``; or who else says so."""
    level: Level
    says: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule broken."""

    rule: str
    """Of :data:`RULES`."""
    line: int
    """From 1; 0 when the whole text is meant."""
    text: str
    """What is there instead."""
    section: str = ""
    """Nearer than the rule's own: that of the tag it is about."""
    reload: int = 0
    """Which of the texts, from 0."""
    where: str = ""
    """The playlist's or segment's URL, or its path; empty where only one text is looked at."""

    def __post_init__(self) -> None:
        if not self.section:
            object.__setattr__(self, "section", RULES[self.rule].section)

    @property
    def level(self) -> Level:
        return RULES[self.rule].level


_TEXT = """
not-utf8 4.1 must A playlist is UTF-8.
byte-order-mark 4.1 must A playlist does not begin with a byte order mark.
control-character 4.1 must A playlist has no control characters but line ends.
not-a-playlist 4.1 must A playlist begins with #EXTM3U and lists segments or variants.
mixed-kinds 4.1 must A playlist lists segments or variants, not both.
tag-in-wrong-playlist 4.4 must Tags of media playlists stay out of multivariant ones, and the other way round.
tag-repeated 4.4 must What is said of the whole playlist is said once.
tag-value 4.4 must A tag's value is of its kind.
tag-dangling 4.4 must What belongs to a segment or variant is followed by its URI.
attribute-list 4.2 must An attribute list is NAME=value, separated by commas.
attribute-repeated 4.2 must No attribute stands twice in a list.
attribute-type 4.2 must An attribute's value is of the attribute's kind.
attribute-missing 4.2 must Required attributes are there.
variable-undefined 4.3 must A variable is defined before it is used.
variable-redefined 4.4.2.3 must A variable is defined once.
version-too-low 8 must EXT-X-VERSION is at least what the features in use need.
"""

_MEDIA = """
target-duration-missing 4.4.3.1 must A media playlist has EXT-X-TARGETDURATION.
target-duration-not-integer 4.4.3.1 must EXT-X-TARGETDURATION is a decimal integer.
extinf-above-target 4.4.3.1 must EXTINF, rounded, is not above EXT-X-TARGETDURATION.
sequence-late 4.4.3.2 must EXT-X-MEDIA-SEQUENCE and EXT-X-DISCONTINUITY-SEQUENCE stand before what they count.
byterange-without-start 4.4.4.2 must A range without offset follows a range of the same resource.
key-incomplete 4.4.4.4 must EXT-X-KEY has a URI, unless METHOD=NONE, and then nothing else.
key-iv 4.4.4.4 must An IV has 128 bits.
date-without-zone 4.4.4.6 should EXT-X-PROGRAM-DATE-TIME names its zone.
date-not-rising 4.4.4.6 must Dates rise from segment to segment.
date-off 6.2.1 must Dates agree with the durations between them.
daterange-span 4.4.5.1 must A date range ends after its start; END-ON-NEXT needs a CLASS and no other end.
daterange-without-clock 4.4.5.1 must EXT-X-DATERANGE needs EXT-X-PROGRAM-DATE-TIME in the playlist.
daterange-changed 4.4.5.1 must Date ranges of one ID agree.
start-outside 4.4.2.2 should EXT-X-START lies within the playlist.
vod-without-end 4.4.3.5 should A playlist of type VOD is whole: it has EXT-X-ENDLIST.
window-too-short 6.2.2 must A live playlist that drops segments keeps at least three target durations.
fmp4-without-map 3.1.2 must fMP4 segments have an EXT-X-MAP.
target-duration-long {apple} advice Segments last six seconds or less.
"""

_LOW_LATENCY = """
part-inf-missing 4.4.3.7 must EXT-X-PART needs EXT-X-PART-INF.
part-above-target 4.4.4.9 must No part lasts longer than PART-TARGET.
part-below-target 4.4.4.9 must Parts but the last of a segment last at least 85 % of PART-TARGET.
part-sum-off 4.4.4.9 should The parts of a segment last as long as the segment.
parts-too-old 4.4.4.9 should Parts are listed for the last three target durations only.
hold-back-short 4.4.3.8 must HOLD-BACK is at least three target durations.
part-hold-back-missing 4.4.3.8 must With parts PART-HOLD-BACK is there.
part-hold-back-short 4.4.3.8 must PART-HOLD-BACK is at least twice PART-TARGET.
part-hold-back-tight 4.4.3.8 should PART-HOLD-BACK is at least three times PART-TARGET.
skip-until-short 4.4.3.8 must CAN-SKIP-UNTIL is at least six target durations.
skip-dateranges-alone 4.4.3.8 must CAN-SKIP-DATERANGES needs CAN-SKIP-UNTIL.
blocking-reload-missing B.1 should A playlist with parts can be reloaded blocking: CAN-BLOCK-RELOAD=YES.
hint-listed 4.4.5.3 must EXT-X-PRELOAD-HINT does not hint at a part that is listed.
hint-repeated 4.4.5.3 must There is one EXT-X-PRELOAD-HINT of each TYPE.
skip-unasked 6.2.5.1 must A whole playlist has no EXT-X-SKIP: only who asks for a delta update gets one.
"""

_MULTIVARIANT = """
variant-repeated 4.4.6.2 should No two variants are the same.
bandwidth-below-average 4.4.6.2 must BANDWIDTH, the peak, is not below AVERAGE-BANDWIDTH.
codecs-missing 4.4.6.2 should Every variant names its CODECS.
resolution-missing 4.4.6.2 should A variant with video names its RESOLUTION.
group-unknown 4.4.6.2 must A rendition group that a variant names exists.
captions-none 4.4.6.2 must If one variant says CLOSED-CAPTIONS=NONE, all do.
media-uri 4.4.6.1 must Subtitles have a URI, closed captions have none.
instream-id 4.4.6.1 must Closed captions have an INSTREAM-ID.
media-default 4.4.6.1 must A default rendition is not AUTOSELECT=NO, and none but subtitles are FORCED.
media-name-repeated 4.4.6.1.1 must The names in a rendition group differ.
media-two-defaults 4.4.6.1.1 must A rendition group has one default at most.
session-data 4.4.6.4 must EXT-X-SESSION-DATA has a VALUE or a URI, not both; ID and language are said once.
session-key 4.4.6.5 must EXT-X-SESSION-KEY has a method and a URI.
average-missing {apple} advice Variants name their AVERAGE-BANDWIDTH.
independent-missing {apple} advice Multivariant playlists say EXT-X-INDEPENDENT-SEGMENTS if it is so.
"""

_RELOADS = """
not-a-media-playlist 6.2.1 must What was a media playlist stays one.
target-duration-changed 6.2.1 must EXT-X-TARGETDURATION does not change.
type-changed 6.2.1 must EXT-X-PLAYLIST-TYPE does not change.
media-sequence-fell 6.2.2 must EXT-X-MEDIA-SEQUENCE does not fall.
changed-after-endlist 6.2.1 must Nothing changes after EXT-X-ENDLIST.
segment-changed 6.2.1 must A segment keeps its URI and range.
segment-crypt-changed 6.2.1 must A segment keeps its key and its init section.
extinf-changed 6.2.1 must A segment keeps its duration.
discontinuity-sequence 6.2.2 must A segment keeps its discontinuity number: those that leave count.
date-changed 6.2.1 must A segment keeps its date.
segments-taken-back 6.2.1 must Segments are not taken from the end.
event-dropped 6.2.1 must A playlist of type EVENT drops no segment.
uri-reused 6.2.1 must A URI stands for one segment.
stale 6.2.2 must A live playlist changes within one and a half target durations.
"""

_PRESENTATION = """
variants-target-duration 6.2.4 must All variants have the same target duration.
variants-type 6.2.4 must All variants have the same EXT-X-PLAYLIST-TYPE, and end together.
variants-discontinuity 6.2.4 must Matching content has matching discontinuity numbers.
variants-dates 6.2.4 must If one media playlist has dates all have, and they agree.
variants-length 6.2.4 must Variants show the same content, but for a target duration at either end.
bandwidth-exceeded 4.4.6.2 must No segment needs more than BANDWIDTH.
average-exceeded 4.4.6.2 must All segments together need no more than AVERAGE-BANDWIDTH.
"""

_DELIVERY = """
not-delivered 6.2.1 must What is listed can be had.
private-address {web} should What is listed is not in a private network, where viewers cannot reach it.
playlist-type 4.1 must A playlist is served as application/vnd.apple.mpegurl or audio/mpegurl.
segment-type {apple} advice A segment is served as what it is.
cors-missing {web} should Players on other sites may read it: Access-Control-Allow-Origin.
live-cached 6.2.1 should A live playlist is not cached for longer than a target duration.
segment-uncached {apple} advice Segments may be cached.
playlist-not-gzipped {apple} advice Playlists are sent compressed.
bytes-changed 6.2.1 must What a URI stands for does not change.
ts-no-pat 3.1.1 must An MPEG-TS segment begins with a PAT and a PMT, or has an EXT-X-MAP with them.
segment-format 3.1 must A segment is MPEG-TS, fMP4, packed audio or WebVTT.
vtt-timestamp-map 3.1.4 should WebVTT segments carry X-TIMESTAMP-MAP.
audio-timestamp 3.1.3 must Packed audio begins with an ID3 PRIV timestamp.
"""

_TORRENTS = """
swarm-tag {tags} must The swarm's ID is 40 hex digits, its tracker is named, its terms can be understood.
tag-misplaced {tags} must A magnet stands right before its segment's EXTINF.
torrent-tag {tags} must Magnet and INFO parse and mean each other.
piece-mismatch {tags} must A segment's bytes are those its torrent was made of.
"""


def _rules(*texts: str) -> dict[str, Rule]:
    names = {"{tags}": TAGS, "{apple}": APPLE, "{web}": WEB}
    rows = [line.split(" ", 3) for text in texts for line in text.split("\n") if line]
    return {
        key: Rule(key, names.get(section, section), Level(level), says) for key, section, level, says in rows
    }


RULES: dict[str, Rule] = _rules(
    _TEXT, _MEDIA, _LOW_LATENCY, _MULTIVARIANT, _RELOADS, _PRESENTATION, _DELIVERY, _TORRENTS
)
"""By key, in the order in which a playlist's way to the screen meets them."""
