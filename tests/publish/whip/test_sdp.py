"""What is taken of an offer, and what is refused with which status."""

from __future__ import annotations

import pytest

from seeder.publish.claim import RefusedError
from seeder.publish.whip.answer import Local, choose, write
from seeder.publish.whip.offer import fragment, parse
from tests.publish.whip.offers import AUDIO, ENDS, OFFER, SESSION, VIDEO

LOCAL = Local("ours", "o" * 32, "CD:EF", (("192.0.2.1", 8189), ("2001:db8::1", 8189)))


def answered(text: str) -> list[str]:
    offer = parse(text)
    return write(offer, choose(offer), LOCAL).split("\r\n")


def test_the_answer_takes_the_clients_favourite_of_what_we_read() -> None:
    lines = answered(OFFER)
    assert "m=video 8189 UDP/TLS/RTP/SAVPF 103 97" in lines
    assert "m=audio 8189 UDP/TLS/RTP/SAVPF 111" in lines
    assert "a=rtpmap:103 H264/90000" in lines
    assert any("profile-level-id=42e01f" in line for line in lines)
    assert {"a=rtcp-fb:103 nack", "a=rtcp-fb:103 nack pli", "a=rtcp-fb:103 transport-cc"} <= set(lines)
    assert "a=fmtp:97 apt=103" in lines
    assert any(line.startswith("a=extmap:4 ") for line in lines)


def test_the_answer_is_as_the_rfc_wants_it() -> None:
    lines = answered(OFFER)
    for each in ("a=recvonly", "a=rtcp-mux-only", "a=setup:passive", "a=ice-ufrag:ours"):
        assert lines.count(each) == 2
    assert "a=ice-lite" in lines
    assert "a=group:BUNDLE 0 1" in lines
    candidates = [line for line in lines if line.startswith("a=candidate:")]
    assert [line.split()[4] for line in candidates] == ["192.0.2.1", "2001:db8::1"]  # once, IPv4 first


def test_a_client_that_can_only_be_dtls_server_is_called() -> None:
    """ffmpeg."""
    lines = answered(OFFER.replace("setup:actpass", "setup:passive"))
    assert "a=setup:active" in lines
    assert "a=setup:passive" not in lines


def test_one_track_alone_is_taken() -> None:
    alone = SESSION.replace("0 1", "1") + AUDIO
    assert [line for line in answered(alone) if line.startswith("m=")] == [
        "m=audio 8189 UDP/TLS/RTP/SAVPF 111"
    ]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 400),
        ("hello", 400),
        ("v=0\n\0\1\2garbage", 400),
        (OFFER.replace("m=video 9", "m=video nine"), 400),
        (OFFER.replace("a=ice-ufrag:uRMp", "a=ice-ufrag:u"), 400),
        (OFFER.replace("a=ice-pwd:MRMqlcVeTVX2yuvc8686tZab", "a=ice-pwd:short"), 400),
        (OFFER.replace("sha-256", "sha-1"), 400),
        (OFFER.replace("setup:actpass", "setup:holdconn"), 400),
        (OFFER.replace("a=mid:1", "a=mid:0"), 400),
        ("v=0\ns=-\n" * 3000, 400),
        (SESSION, 422),
        (SESSION + VIDEO + VIDEO.replace("mid:0", "mid:1"), 422),
        (OFFER.replace("a=group:BUNDLE 0 1\n", ""), 422),
        (OFFER.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"), 422),
        (OFFER.replace("a=sendonly", "a=recvonly"), 422),
        (OFFER.replace("a=sendonly", "a=inactive"), 422),
        (OFFER.replace("a=rtcp-mux\n", ""), 422),
        (OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), 422),
        (OFFER.replace("H264/", "H265/").replace("VP8/", "VP9/"), 422),
        (OFFER.replace("packetization-mode=1", "packetization-mode=0").replace("VP8/", "VP9/"), 422),
        (OFFER.replace("opus/", "speex/"), 422),
        (SESSION + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\n" + ENDS + "a=mid:0\na=mid:1\n", 422),
    ],
)
def test_what_cannot_be_taken_is_refused_by_its_kind(text: str, status: int) -> None:
    with pytest.raises(RefusedError) as refused:
        answered(text)
    assert refused.value.status == status
    assert "\n" not in str(refused.value)


def test_a_fragment_names_an_ice_session_or_only_candidates() -> None:
    candidate = "a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\n"
    assert fragment("a=mid:0\n" + candidate) is None
    assert fragment("a=ice-ufrag:EsAw\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\n") == (
        "EsAw",
        "P2uYro0UCOQ4zxjKXaWCBui1",
    )
    for bad in ("", "nonsense", "a=ice-ufrag:EsAw\n"):
        with pytest.raises(RefusedError) as refused:
            fragment(bad)
        assert refused.value.status == 400
