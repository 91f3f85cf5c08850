"""Offers as real clients make them, shortened."""

from __future__ import annotations

FINGERPRINT = ":".join(["AB"] * 32)

SESSION = "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0 1\n"
ENDS = (
    "a=ice-ufrag:uRMp\na=ice-pwd:MRMqlcVeTVX2yuvc8686tZab\n"
    f"a=fingerprint:sha-256 {FINGERPRINT}\na=setup:actpass\n"
)
VIDEO = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104\nc=IN IP4 0.0.0.0\n" + ENDS + "a=mid:0\n"
    "a=extmap:4/sendonly http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\n"
    "a=sendonly\na=rtcp-mux\n"
    "a=rtpmap:96 AV1/90000\n"
    "a=rtpmap:97 rtx/90000\na=fmtp:97 apt=103\n"
    "a=rtpmap:103 H264/90000\n"
    "a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\n"
    "a=rtcp-fb:103 nack\na=rtcp-fb:103 nack pli\na=rtcp-fb:103 transport-cc\n"
    "a=rtpmap:104 VP8/90000\n"
)
AUDIO = (
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 9\nc=IN IP4 0.0.0.0\n" + ENDS + "a=mid:1\na=sendonly\na=rtcp-mux\n"
    "a=rtpmap:111 opus/48000/2\na=fmtp:111 minptime=10\na=rtpmap:9 G722/8000\n"
)
OFFER = SESSION + VIDEO + AUDIO
"""Both."""
