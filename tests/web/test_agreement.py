"""Whatever a browser may ask for: the port and the application behind hypercorn say the same."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.asking import FILE, LAST, PLAYLIST, SEG, ask, told
from tests.web.conftest import BUNDLE
from tests.web.test_front import Both, both  # noqa: F401

NAMES = [*BUNDLE, "nothing.js", "", ".", "..", "%2e%2e", "a%2Fb", "a%20b", "%ff", "%"]
PATHS = st.one_of(
    st.sampled_from(["/", "/sw.js", "/embed.js", "/favicon.ico", "/watch", "/client", "//", "/Watch/demo"]),
    st.sampled_from([SEG, PLAYLIST, FILE, "/live/demo/v/empty.vtt", "/healthz", "/nothing", "/api/streams"]),
    st.builds("/client/{}".format, st.sampled_from([name.partition("/")[2] or name for name in NAMES])),
    st.builds("/watch/{}".format, st.sampled_from(["demo", "soon", "demo/", "demo/x", "d%65mo", *NAMES])),
)
TARGETS = st.builds("{}{}".format, PATHS, st.sampled_from(["", "", "?", "?mode=http", "?/../x", "/"]))
TAGS = st.sampled_from(["*", '"x"', 'W/"x", *', "", "nonsense"])
LINES = st.lists(
    st.one_of(
        st.builds(
            "Accept-Encoding: {}".format, st.sampled_from(["gzip", "gzip;q=0", "br, gzip;q=0.5", "*", ""])
        ),
        st.builds("If-None-Match: {}".format, TAGS),
        st.builds("Range: bytes={}".format, st.sampled_from(["0-0", "5-70000", "-5", "9999999-", "0-1,5-6"])),
        st.builds("If-Range: {}".format, TAGS),
        st.just("If-Modified-Since: Sat, 21 Nov 2026 03:16:39 GMT"),
        st.builds("Origin: {}".format, st.sampled_from(["null", "https://other.example"])),
        st.just("Cookie: a=b; c"),
        st.just("Accept: */*"),
    ),
    unique_by=lambda line: line.partition(":")[0],
    max_size=4,
)
METHODS = st.sampled_from(["GET", "GET", "GET", "HEAD", "OPTIONS", "POST", "DELETE", "PATCH"])
ASKED = st.builds(lambda path, lines, method: ask(path, *lines, method=method), TARGETS, LINES, METHODS)


@given(st.lists(ASKED, min_size=1, max_size=12))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_port_and_the_application_behind_it_agree(both: Both, asked: Sequence[bytes]) -> None:  # noqa: F811
    site, slow = both
    site.counters.sent.clear()
    site.counters.responses.clear()
    behind = await told(slow, *asked, LAST)
    assert len(behind) == len(asked) + 1
    counted = site.counters.sent.copy(), site.counters.responses.copy()
    assert await told(site.bound.port, *asked, LAST) == behind
    assert site.counters.sent == counted[0] + counted[0]
    assert site.counters.responses == counted[1] + counted[1]
