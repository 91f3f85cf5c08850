"""RTSP's words: messages, addresses, SDP, transports; and what is made of LATM and of sender reports."""

from __future__ import annotations

import base64
import struct

import pytest

from seeder.publish.claim import RefusedError
from seeder.publish.rtp import Track, latm
from seeder.publish.rtp.sync import Sync
from seeder.publish.rtsp import address, sdp
from seeder.publish.rtsp.message import MOST_HEAD, Frame, MessageError, Reader, Request, answer
from seeder.publish.rtsp.transport import Interleaved, Udp, wanted

ANNOUNCE = b"ANNOUNCE rtsp://h/live/k RTSP/1.0\r\nCSeq: 2\r\nContent-Length: 5\r\n\r\nv=0\r\n"
RECORD = b"RECORD rtsp://h/live/k RTSP/1.0\r\nCSeq:3\r\nSession: abc\r\n\r\n"


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_requests_and_frames_are_told_apart_however_they_arrive(step: int) -> None:
    data = (
        b"\r\n"
        + ANNOUNCE
        + b"$\x01\x00\x03$\r\n"
        + b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
        + RECORD
        + b"$\x00\x00\x00"
    )
    reader, found = Reader(), []
    for at in range(0, len(data), step):
        found += reader.feed(data[at : at + step])
    announce, frame, record, empty = found
    assert isinstance(announce, Request)
    assert (announce.method, announce.body) == ("ANNOUNCE", b"v=0\r\n")
    assert frame == Frame(1, b"$\r\n")
    assert isinstance(record, Request)
    assert record.headers == {"cseq": "3", "session": "abc"}
    assert empty == Frame(0, b"")


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"ANNOUNCE rtsp://h/k RTSP/2.0\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nno colon\r\n\r\n",
        b"ANNOUNCE rtsp://h/k RTSP/1.0\r\nContent-Length: 65537\r\n\r\n",
        b"ANNOUNCE rtsp://h/k RTSP/1.0\r\nContent-Length: -1\r\n\r\n",
        b"OPTIONS rtsp://h/" + b"k" * MOST_HEAD,
    ],
)
def test_what_is_no_rtsp_is_an_error_and_not_waited_for(data: bytes) -> None:
    with pytest.raises(MessageError):
        Reader().feed(data)


def test_a_request_hides_its_address_and_an_answer_stays_one_line() -> None:
    (request,) = Reader().feed(RECORD)
    assert isinstance(request, Request)
    assert "live" not in repr(request)
    said = answer(request, 403, "no\r\nSet-Cookie: x\xff")
    assert said.startswith(b"RTSP/1.0 403 no??Set-Cookie: x?\r\nCSeq: 3\r\n")


@pytest.mark.parametrize(
    ("url", "password", "key", "stream"),
    [
        ("rtsp://h:8554/live/K%31", "", "K1", None),
        ("rtsp://h/K1/", "", "K1", None),
        ("rtsp://h/garden?key=K1", "", "K1", "garden"),
        ("rtsp://h/live/garden", "K1", "K1", "garden"),
        ("rtsp://h/", "", "", None),
        ("rtsp://[h/", "", "", None),
    ],
)
def test_the_key_is_found_where_tools_put_it(url: str, password: str, key: str, stream: str | None) -> None:
    basic = "Basic " + base64.b64encode(f"me:{password}".encode()).decode()
    claim = address.claim(Request("ANNOUNCE", url, {"authorization": basic} if password else {}), "192.0.2.1")
    assert (claim.protocol, claim.address, claim.key, claim.stream) == ("rtsp", "192.0.2.1", key, stream)


def test_broken_credentials_are_none() -> None:
    for header in ("Basic !", "Basic /w==", "Digest username=x", ""):
        assert address.claim(Request("ANNOUNCE", "rtsp://h/k", {"authorization": header}), "").key == "k"


def test_the_first_video_and_the_first_audio_of_an_sdp_are_used() -> None:
    media = sdp.parse(
        b"v=0\r\ns=x\r\nt=0 0\r\nm=application 0 RTP/AVP 100\r\na=control:meta\r\n"
        b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:v\r\n"
        b"m=audio 0 RTP/AVP 0\r\n"
        b"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 nonsense/1\r\na=control:b\r\n"
    )
    assert [(m.control, m.track) for m in media] == [
        ("meta", None),
        ("v", Track("video", "H264", 96, 90_000, "packetization-mode=1")),
        ("", Track("audio", "PCMU", 0, 8000)),
        ("b", None),
    ]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "SDP"),
        (b"v=0\r\n", 415, "0 tracks"),
        (b"v=0\r\n" + b"m=audio 0 RTP/AVP 0\r\n" * 9, 415, "9 tracks"),
        (b"v=0\r\nm=text 0 RTP/AVP 0\r\n", 415, "neither video nor audio"),
        (
            b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 theora/90000\r\n",
            415,
            "theora cannot be used: send H.264",
        ),
        (b"v=0\r\nm=video 0 RTP/AVP 96\r\n", 415, "payload type 96"),
        (b"v=0\r\nm=video 0 UDP 96\r\n", 415, "not sent by RTP"),
    ],
)
def test_an_sdp_that_cannot_be_used_is_refused_with_a_reason(body: bytes, status: int, says: str) -> None:
    with pytest.raises(RefusedError, match=says) as refused:
        sdp.parse(body)
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("header", "way"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=2-3;mode=record", Interleaved((2, 3))),
        ("RTP/AVP/TCP;unicast;mode=RECORD", Interleaved(None)),
        ('RTP/AVP;multicast,RTP/AVP/UDP;unicast;client_port=5000-5001;mode="RECORD"', Udp((5000, 5001))),
        ("RTP/AVP;unicast;client_port=5000", Udp((5000, 5001))),
        ("RTP/AVP/TCP;unicast;interleaved=300-301", None),
        ("RTP/AVP/TCP;unicast;interleaved=0-1;mode=play", None),
        ("RTP/SAVP;unicast;client_port=1-2", None),
        ("", None),
    ],
)
def test_a_transport_is_chosen_or_none(header: str, way: Interleaved | Udp | None) -> None:
    assert wanted(header) == way


def rtp(payload: bytes, marker: bool = True) -> bytes:
    return bytes([0x80, 96 | marker << 7]) + bytes(10) + payload


def test_latm_becomes_what_ffmpeg_copies() -> None:
    sent = Track("audio", "MP4A-LATM", 96, 44_100, "cpresent=0;config=40002410adca00")
    track = latm.generic(sent)
    assert track.codec == "MPEG4-GENERIC"
    config = int(track.fmtp.rpartition("config=")[2], 16)
    assert config >> 40 == 0b00010_0100_0001_000, "AAC-LC, 44.1 kHz, one channel"
    repacker = latm.Repacker()
    assert repacker.repack(rtp(b"\x03abc\x02de")) == rtp(b"\x00\x20\x00\x18\x00\x10abcde")
    assert repacker.repack(rtp(b"\xff\x01" + b"x" * 100, marker=False)) is None
    whole = repacker.repack(rtp(b"x" * 156))
    assert whole == rtp(b"\x00\x10" + (256 << 3).to_bytes(2, "big") + b"x" * 256)
    assert repacker.repack(rtp(b"\x09abc")) is None, "cut short"
    for fmtp in (
        "",
        "cpresent=1;config=40002410adca00",
        "cpresent=0;config=ff",
        "cpresent=0;config=c0002410adca00",
    ):
        with pytest.raises(RefusedError):
            latm.generic(Track("audio", "MP4A-LATM", 96, 44_100, fmtp))


def report(ntp: float, stamp: int) -> bytes:
    return struct.pack("!BBHIQIII", 0x80, 200, 6, 9, int(ntp * 2**32), stamp, 0, 0)


def told(packet: bytes | None) -> tuple[float, int]:
    assert packet is not None
    ntp, stamp = struct.unpack("!QI", packet[8:20])
    return ntp / 2**32, stamp


def test_tracks_are_in_step_by_arrival_until_all_have_reports_and_the_lead_never_jumps() -> None:
    sync = Sync([90_000, 48_000], lead=0)
    sync.packet(0, 2**32 - 90_000, 10.0)
    sync.packet(1, 7, 10.5)
    assert [told(packet) for _, packet in sync.begin()] == [(10.0, 2**32 - 90_000), (10.5, 7)]
    assert sync.report(1, report(5000.52, 48_007)) is None, "the lead has none"
    assert sync.report(0, report(5000.0, 0)) is None, "the lead goes on"
    # The lead's 0 is at 11 s of ours, and at 5000 of theirs.
    assert sync.report(1, report(5000.52, 48_007)) is None, "nobody notices"
    ntp, stamp = told(sync.report(1, report(5000.6, 48_007)))
    assert (round(ntp, 6), stamp) == (11.6, 48_007)
    # Six hours later, 31 bits are not full.
    seen = [sync.packet(0, second * 90_000 % 2**32, 11.0 + second) for second in range(0, 30_000, 10)]
    again = [told(packet) for packet in seen if packet]
    assert len(again) == 30_000 // 60 - 1
    assert all(round((ntp - 11) * 90_000) % 2**32 == stamp for ntp, stamp in again)
    assert [round(told(packet)[0] - 5000) for _, packet in sync.begin()] == [0, 1], "by their own clock now"


def test_a_track_that_begins_late_is_told_of_before_its_first_packet() -> None:
    sync = Sync([90_000, 48_000], lead=0)
    sync.packet(0, 0, 10.0)
    assert len(sync.begin()) == 1
    assert sync.first(1) is None
    sync.packet(1, 500, 12.0)
    assert told(sync.first(1)) == (12.0, 500)
    assert sync.first(1) is None
    for broken in (b"", report(1, 1)[:20], bytes([0x80, 201]) + bytes(40), report(0, 1)):
        assert sync.report(0, broken) is None
