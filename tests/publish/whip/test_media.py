"""From packets to what ffmpeg reads: order, losses, pictures, clocks."""

from __future__ import annotations

import random
import struct

import pytest

from seeder.publish.whip.answer import choose
from seeder.publish.whip.feedback import Arrivals, missing
from seeder.publish.whip.frames import H264, Vp8
from seeder.publish.whip.offer import parse as parse_offer
from seeder.publish.whip.order import ASK_EVERY, Order
from seeder.publish.whip.packets import Packet, SenderReport, original, parse, reports
from seeder.publish.whip.receiver import Receiver
from seeder.publish.whip.secure import datagrams
from seeder.publish.whip.timeline import Timeline
from tests.publish.whip.offers import OFFER

PATIENCE = 0.5


def packet(sequence: int, payload: bytes = b"x", timestamp: int = 0, marker: bool = True) -> Packet:
    return Packet(96, marker, sequence & 0xFFFF, timestamp, 1, payload)


def numbers(packets: list[Packet | None]) -> list[int | None]:
    return [None if one is None else one.sequence for one in packets]


# --- order -----------------------------------------------------------------------------------------


def test_packets_come_out_in_order_over_the_turn_of_their_numbers() -> None:
    order, dice = Order(PATIENCE), random.Random(7)
    out: list[int | None] = []
    for start in range(65000, 66600, 8):
        some = list(range(start, start + 8))
        dice.shuffle(some)
        for number in [start, *some] if start == 65000 else some:
            assert order.add(packet(number), 0.0)
        out += numbers(order.take(0.0))
    assert out == [number & 0xFFFF for number in range(65000, 66600)]


def test_a_lost_packet_is_waited_for_asked_for_and_given_up() -> None:
    order = Order(PATIENCE)
    for number in (10, 11, 14):
        order.add(packet(number), 0.0)
    assert numbers(order.take(0.0)) == [10, 11]
    assert order.wanted(0.0) == [12, 13]
    assert order.wanted(ASK_EVERY / 2) == []
    order.add(packet(12), 0.1)
    assert order.wanted(ASK_EVERY) == [13]
    assert numbers(order.take(0.1)) == [12]
    assert numbers(order.take(PATIENCE + 0.01)) == [None, 14]
    assert not order.waits
    order.add(packet(13), 1.0)  # too late
    assert order.take(1.0) == []


def test_what_is_far_off_is_another_stream() -> None:
    order = Order(PATIENCE)
    order.add(packet(10), 0.0)
    assert numbers(order.take(0.0)) == [10]
    assert not order.add(packet(30000), 0.0)
    assert numbers(order.take(0.0)) == [30000]


def test_a_nack_names_each_lost_packet_once() -> None:
    message = missing(1, 2, [65535, 65536, 65540, 70000])
    pairs = list(struct.iter_unpack("!HH", message[12:]))
    named = [first + bit for first, rest in pairs for bit in range(17) if not bit or rest >> (bit - 1) & 1]
    assert [number & 0xFFFF for number in named] == [65535, 0, 4, 70000 - 65536]


# --- pictures --------------------------------------------------------------------------------------

KEY_VP8 = b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 640, 360) + b"more"
DELTA_VP8 = b"\x11\x00\x00rest"
LONG = b"\x90\xe0\x80\x01\x05\x20"
"""A descriptor with everything: long picture id, TL0PICIDX, TID."""


@pytest.mark.parametrize("descriptor", [b"\x10", LONG, b"\x90\x80\x11"])
def test_vp8_is_put_together_and_its_size_read(descriptor: bytes) -> None:
    again = bytes((descriptor[0] & ~0x10, *descriptor[1:]))
    pictures = Vp8()
    assert pictures.add(packet(1, descriptor + DELTA_VP8)) is None  # nothing before a key frame
    assert pictures.add(packet(2, descriptor + KEY_VP8[:7], 5, marker=False)) is None
    frame = pictures.add(packet(3, again + KEY_VP8[7:], 5))
    assert frame is not None
    assert (frame.data, frame.key, frame.size) == (KEY_VP8, True, (640, 360))
    after = pictures.add(packet(4, descriptor + DELTA_VP8, 6))
    assert after is not None
    assert not after.key
    assert after.data == DELTA_VP8


def test_behind_a_loss_nothing_comes_out_before_a_key_frame() -> None:
    pictures = Vp8()
    assert pictures.add(packet(1, b"\x10" + KEY_VP8, 1)) is not None
    assert pictures.add(None) is None
    assert pictures.broken
    assert pictures.add(packet(3, b"\x10" + DELTA_VP8, 3)) is None
    assert pictures.add(packet(4, b"\x10" + KEY_VP8, 4)) is not None
    assert not pictures.broken


SPS, PPS, IDR, SLICE = b"\x67\x42\xe0\x1frest", b"\x68pps", b"\x65" + b"i" * 30, b"\x41slice"


def sized(*units: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def test_h264_comes_in_all_three_kinds_of_packets() -> None:
    pictures = H264()
    both = b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in (SPS, PPS))
    assert pictures.add(packet(1, both, 1, marker=False)) is None
    first = bytes((0x7C, 0x80 | 5)) + IDR[1:11]
    middle = bytes((0x7C, 5)) + IDR[11:21]
    last = bytes((0x7C, 0x40 | 5)) + IDR[21:]
    assert pictures.add(packet(2, first, 1, marker=False)) is None
    assert pictures.add(packet(3, middle, 1, marker=False)) is None
    frame = pictures.add(packet(4, last, 1))
    assert frame is not None
    assert frame.key
    assert frame.data == sized(SPS, PPS, IDR)
    assert frame.setup[:4] == b"\x01\x42\xe0\x1f"
    assert SPS in frame.setup
    assert PPS in frame.setup
    after = pictures.add(packet(5, SLICE, 2))
    assert after is not None
    assert (after.key, after.data) == (False, sized(SLICE))


def test_parameter_sets_by_themselves_are_no_loss() -> None:
    pictures = H264()
    for number, unit in enumerate((SPS, PPS, IDR)):
        frame = pictures.add(packet(number, unit, 1, marker=unit is IDR))
    assert frame is not None
    assert not pictures.broken
    again = pictures.add(packet(4, SPS, 2))
    assert again is None or not again.data
    assert not pictures.broken


@pytest.mark.parametrize("assembler", [Vp8, H264])
def test_garbage_makes_no_picture_and_no_crash(assembler: type[Vp8] | type[H264]) -> None:
    pictures, dice = assembler(), random.Random(3)
    for number in range(3000):
        payload = dice.randbytes(dice.randrange(12))
        pictures.add(packet(number, payload, number // 3, marker=dice.random() < 0.4))


# --- a lossy link ----------------------------------------------------------------------------------


def test_what_a_lossy_link_drops_is_asked_for_and_sent_again() -> None:
    """One packet in ten is lost, retransmissions too; every picture comes out, in order."""
    offer = parse_offer(OFFER.replace("H264/", "H265/").replace("apt=103", "apt=104"))
    (video, _) = choose(offer)
    assert (video.codec.payload, video.rtx) == (104, 97)
    receiver, dice = Receiver(video, refresh=2.0), random.Random(11)
    sent: dict[int, bytes] = {}
    coming: list[tuple[float, bytes]] = []
    out: list[bytes] = []
    now, again = 0.0, 0
    for number in range(65000, 67000):
        picture = number // 4
        first, last = number % 4 == 0, number % 4 == 3
        payload = (b"\x10" + KEY_VP8 if number < 65004 else b"\x10" + DELTA_VP8) if first else b"\0rest"
        sent[number & 0xFFFF] = payload
        head = struct.pack("!BBHLL", 0x80, 104 | last << 7, number & 0xFFFF, picture * 3000, 5)
        if dice.random() < 0.9 or number < 65004:
            coming.append((now, head + payload))
        for message in receiver.asks(1, now):
            if message[1] != 205:
                continue
            for start, rest in struct.iter_unpack("!HH", message[12:]):
                for bit in range(17):
                    lost = (start + bit) & 0xFFFF
                    if (not bit or rest >> (bit - 1) & 1) and dice.random() < 0.9:
                        again += 1
                        full = 65536 + lost if lost < 2000 else lost
                        mark = 97 | (full % 4 == 3) << 7
                        head = struct.pack("!BBHLL", 0x80, mark, again, full // 4 * 3000, 6)
                        coming.append((now + 0.03, head + struct.pack("!H", lost) + sent[lost]))
        coming.sort(key=lambda one: one[0])
        while coming and coming[0][0] <= now:
            packet = parse(coming.pop(0)[1])
            assert packet is not None
            out += [frame.data for frame in receiver.add(packet, now)]
        out += [frame.data for frame in receiver.tick(now)]
        now += 0.01
    assert again > 100
    assert len(out) > 490
    assert out[0].startswith(KEY_VP8)
    assert set(out[1:]) == {DELTA_VP8 + b"rest" * 3}


# --- packets ---------------------------------------------------------------------------------------


def test_headers_are_read_past_and_padding_is_dropped() -> None:
    extension = b"\xbe\xde\x00\x02" + b"\x10\xaa" + b"\x41\x12\x34" + b"\x00\x00\x00"
    data = struct.pack("!BBHLL", 0xB1, 0xE0, 7, 9, 11) + b"\0\0\0\5" + extension + b"payload" + b"\0\0\3"
    got = parse(data, 4)
    assert got == Packet(96, True, 7, 9, 11, b"payload", 0x1234)
    for cut in range(len(data)):
        parse(data[:cut], 4)


def test_a_retransmission_is_the_packet_that_it_repeats() -> None:
    repeated = original(Packet(97, True, 500, 9, 12, b"\x00\x07payload"), 96)
    assert repeated == Packet(96, True, 7, 9, 12, b"payload")
    assert original(Packet(97, False, 501, 9, 12, b"\0"), 96) is None


def test_sender_reports_are_found_in_a_compound_packet() -> None:
    report = struct.pack("!BBHLLLLLL", 0x80, 200, 6, 11, 100, 1 << 31, 9000, 1, 1)
    bye = struct.pack("!BBHL", 0x81, 203, 1, 11)
    found = reports(report + bye)
    assert isinstance(found[0], SenderReport)
    assert found[0].seconds == 100.5
    assert found[0].middle == 100 << 16 | 1 << 15
    assert len(found) == 2


# --- clocks ----------------------------------------------------------------------------------------


def report(seconds: float, timestamp: int) -> SenderReport:
    return SenderReport(1, seconds, 0, timestamp)


def test_the_picture_follows_the_sound_once_reports_relate_them() -> None:
    line = Timeline({"audio": 48000, "video": 90000})
    assert line.at("audio", 1000, 10.0) == 0.0
    # The picture was taken together with the sound, and came 0.2 s later.
    assert line.at("video", 5000, 10.2) == pytest.approx(0.2)
    line.report("audio", report(100.0, 1000))
    line.report("video", report(100.0, 5000))
    assert line.at("video", 5000 + 90000, 11.2) == pytest.approx(1.0)
    assert line.at("audio", 1000 + 48000, 11.0) == pytest.approx(1.0)


def test_a_report_that_cannot_be_true_changes_nothing() -> None:
    line = Timeline({"audio": 48000, "video": 90000})
    line.at("audio", 0, 0.0)
    line.at("video", 0, 0.0)
    line.report("audio", report(0.0, 0))
    line.report("video", report(1e9, 0))
    assert line.at("video", 90000, 1.0) == pytest.approx(1.0)


def test_time_goes_on_over_the_turn_of_the_clock_and_when_it_is_set_anew() -> None:
    line = Timeline({"video": 90000})
    start = (1 << 32) - 45000
    assert line.at("video", start, 0.0) == 0.0
    assert line.at("video", (start + 90000) & 0xFFFFFFFF, 1.0) == pytest.approx(1.0)
    assert line.at("video", 123456789, 2.0) == pytest.approx(2.0)
    assert line.at("video", 123456789 + 9000, 2.1) == pytest.approx(2.1)


# --- feedback --------------------------------------------------------------------------------------


def read_twcc(message: bytes) -> dict[int, float]:
    """Sequence number → seconds, as a publisher adds them up."""
    base, count = struct.unpack_from("!HH", message, 12)
    reference = int.from_bytes(message[16:19], "big")
    symbols: list[int] = []
    at = 20
    while len(symbols) < count:
        (chunk,) = struct.unpack_from("!H", message, at)
        assert chunk >> 14 == 3
        symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        at += 2
    now, out = reference * 0.064, {}
    for index, symbol in enumerate(symbols[:count]):
        if symbol:
            size, form = (1, "!B") if symbol == 1 else (2, "!h")
            now += struct.unpack_from(form, message, at)[0] * 0.00025
            at += size
            out[(base + index) & 0xFFFF] = now
    assert len(message) == 4 * (struct.unpack_from("!H", message, 2)[0] + 1)
    return out


def test_what_arrived_when_is_told_once_and_exactly() -> None:
    arrivals, dice = Arrivals(), random.Random(5)
    came: dict[int, float] = {}
    now = 1000.0
    told: dict[int, float] = {}
    for number in range(65400, 66400):
        now += dice.random() * 0.02
        if dice.random() < 0.9:
            came[number & 0xFFFF] = now
            arrivals.add(number & 0xFFFF, now)
        if number % 100 == 99:
            for message in arrivals.messages(1, 2):
                heard = read_twcc(message)
                assert not told.keys() & heard.keys()
                told |= heard
    for message in arrivals.messages(1, 2):
        told |= read_twcc(message)
    assert told.keys() == came.keys()
    assert all(abs(told[number] - at) < 0.001 for number, at in came.items())


def test_a_flight_of_dtls_is_cut_at_its_records() -> None:
    record = b"\x16\xfe\xfd" + bytes(8) + struct.pack("!H", 700) + b"r" * 700
    assert datagrams(record * 3) == [record, record, record]
    small = b"\x14\xfe\xfd" + bytes(8) + struct.pack("!H", 1) + b"\1"
    assert datagrams(small * 2 + record) == [small * 2 + record]
