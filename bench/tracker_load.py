"""The load on a tracker: a process of its own with many WebSockets, each a viewer that announces and answers.

It takes one line of JSON per order on stdin and gives one back on stdout; :mod:`bench.tracker` has the
words. Frames are prepared beforehand and masked with zeros (RFC 6455 §5.3 allows any key), so that it
costs less than the tracker it drives and, Python as it is, does not hold it up.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

OFFERS = 5
"""As webtorrent makes in an announce."""
SDP = (
    "v=0\r\no=- 4215775240449105457 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "a=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n"
    "m=application 55555 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 192.0.2.20\r\n"
    "a=candidate:1467250027 1 udp 2122260223 192.0.2.20 55555 typ host generation 0 network-id 1 "
    "network-cost 10\r\na=candidate:1853887674 1 udp 1518280447 203.0.113.7 36768 typ srflx raddr "
    "192.0.2.20 rport 55555 generation 0\r\na=ice-ufrag:dVXT\r\na=ice-pwd:RkXBd4jp9vPvnZLqSCNmoBg0\r\n"
    "a=fingerprint:sha-256 1C:38:97:5C:0A:1C:E9:25:DD:24:19:BB:63:1B:6B:32:4A:41:41:D8:8D:AC:BF:AA:2A:91:"
    "30:26:49:75:D4:28\r\na=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"
)
"""A data channel's, as Chromium writes it: one host and one server-reflexive candidate."""
WARM = 0.5
"""Seconds under load before counting."""
LEAST = 0.5
"""CPU seconds that a round measures: fifty ticks of the clock that counts them."""
PATIENCE = 20.0
"""Seconds for the answers of a round to arrive, and for one to be measured."""
TICKS = os.sysconf("SC_CLK_TCK")
SLOT = b"@" * 20


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of ``pid`` so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Viewer:
    """One WebSocket and what it says."""

    def __init__(self, number: int, sock: socket.socket, infohash: bytes) -> None:
        self.sock = sock
        self.unread = b""
        self.unsent = b""
        self.busy = False
        """Its announce has not been replied to."""
        body: dict[str, Any] = {
            "action": "announce",
            "info_hash": infohash.decode("latin-1"),
            "peer_id": f"-XX0001-{number:012}",
        }
        told = body | {"numwant": OFFERS, "uploaded": 0, "downloaded": 0, "left": None}
        offer = {"offer": {"type": "offer", "sdp": SDP}, "offer_id": SLOT.decode()}
        self.join = _frame(_json(told | {"event": "started", "offers": [], "numwant": 0}))
        self._announce = _frame(_json(told | {"offers": [offer] * OFFERS})).split(SLOT)
        slots = {"to_peer_id": SLOT.decode(), "offer_id": SLOT.decode()}
        self._answer = _frame(_json(body | {"answer": {"type": "answer", "sdp": SDP}} | slots)).split(SLOT)

    def announce(self, serial: int) -> bytes:
        parts = self._announce
        made = [parts[0]]
        for n in range(OFFERS):
            made += (b"%018d%02d" % (serial, n), parts[n + 1])
        return b"".join(made)

    def answer(self, peer_id: bytes, offer_id: bytes) -> bytes:
        before, between, after = self._answer
        return b"".join((before, peer_id, between, offer_id, after))


class Load:
    def __init__(self, order: dict[str, Any]) -> None:
        self._poll = select.epoll()
        self._viewers: dict[int, Viewer] = {}
        infohash = bytes.fromhex(order["infohash"])
        for number in range(order["connections"]):
            # A tracker may limit what one address does; viewers have one each.
            source = f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"
            sock = socket.create_connection(("127.0.0.1", order["port"]), 30, (source, 0))
            _upgrade(sock)
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._viewers[sock.fileno()] = Viewer(number, sock, infohash)
            self._poll.register(sock.fileno(), select.EPOLLIN)
        self._turn = deque(self._viewers.values())
        self._serial = 0
        self._left = 0
        """Replies awaited."""
        self._answering = True
        self._held: list[tuple[Viewer, bytes, bytes]] = []
        """Offers not answered yet: by whom, to whom, which."""
        self._replies = self._offers = self._answers = self._failures = 0

    def join(self) -> dict[str, Any]:
        """Every viewer announces once, without offers."""
        self._left = len(self._viewers)
        for viewer in self._viewers.values():
            self._send(viewer, viewer.join)
        while self._left:
            self._serve()
        return {"failures": self._failures}

    def run(self, seconds: float, window: int, pid: int, answering: bool) -> dict[str, Any]:
        """Announce for that long, ``window`` announces under way; counts and CPU seconds of ``pid``.

        Unless ``answering``, offers are answered afterwards, uncounted: a tracker may hold only so many open.
        """
        self._answering = answering
        for _ in range(window - self._left):
            self._next()
        self._for(WARM)
        before = (self._replies, self._offers, self._answers, self._failures)
        cpu, own, began = cpu_seconds(pid), time.process_time(), time.perf_counter()
        self._for(seconds)
        while cpu_seconds(pid) - cpu < LEAST and time.perf_counter() - began < PATIENCE:
            self._for(0.2)  # other programs had the machine
        took = time.perf_counter() - began
        after = (self._replies, self._offers, self._answers, self._failures)
        counts = [new - old for old, new in zip(before, after, strict=True)]
        named = dict(zip(("replies", "offers", "answers", "failures"), counts, strict=True))
        named |= {"cpu": cpu_seconds(pid) - cpu, "seconds": took, "own": time.process_time() - own}
        self._catch_up()
        return named

    def _catch_up(self) -> None:
        """Nothing is under way any more."""
        while self._left:
            self._serve()
        self._answering = True
        due = self._answers + len(self._held)
        deadline = time.perf_counter() + PATIENCE
        for number, (viewer, peer_id, offer_id) in enumerate(self._held):
            self._send(viewer, viewer.answer(peer_id, offer_id))
            if number % 200 == 199:
                self._serve()
        self._held.clear()
        while self._answers < due and time.perf_counter() < deadline:
            self._serve()

    def _for(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for _ in range(self._serve()):
                self._next()

    def _next(self) -> None:
        """The viewer that has waited longest announces."""
        while self._turn[0].busy:
            self._turn.rotate(-1)
        viewer = self._turn[0]
        self._turn.rotate(-1)
        viewer.busy = True
        self._serial += 1
        self._left += 1
        self._send(viewer, viewer.announce(self._serial))

    def _serve(self) -> int:
        """Read what has come, answer offers; how many announces were replied to."""
        replied = 0
        for descriptor, event in self._poll.poll(1.0):
            viewer = self._viewers[descriptor]
            if event & select.EPOLLIN:
                replied += self._read(viewer)
            if event & select.EPOLLOUT:
                data, viewer.unsent = viewer.unsent, b""
                self._poll.modify(descriptor, select.EPOLLIN)
                self._send(viewer, data)
        self._left -= replied
        return replied

    def _read(self, viewer: Viewer) -> int:
        data = viewer.sock.recv(256 * 1024)
        if not data:
            raise SystemExit("the tracker closed a connection under load")
        if viewer.unread:
            data = viewer.unread + data
        at = replied = 0
        out = []
        while len(data) - at >= 4:
            length, head = data[at + 1], 2
            if length == 126:
                length, head = int.from_bytes(data[at + 2 : at + 4]), 4
            start, end = at + head, at + head + length
            if end > len(data):
                break
            if data[at] == 0x89:
                out.append(b"\x8a\x80" + bytes(4))
            elif data[at] != 0x81:
                raise SystemExit(f"unexpected frame {data[at]:#x} {data[start:end]!r}")
            else:
                place = data.find(b'"offer_id":"', start, end)
                if place < 0:
                    replied += 1
                    self._failures += data.find(b"failure reason", start, end) >= 0
                elif data.find(b'"answer"', start, end) >= 0:
                    self._answers += 1
                else:
                    self._offers += 1
                    peer = data.find(b'"peer_id":"', start, end) + 11
                    asked = (data[peer : peer + 20], data[place + 12 : place + 32])
                    if self._answering:
                        out.append(viewer.answer(*asked))
                    else:
                        self._held.append((viewer, *asked))
            at = end
        viewer.unread = data[at:]
        if replied:
            viewer.busy = False
            self._replies += replied
        if out:
            self._send(viewer, b"".join(out))
        return replied

    def _send(self, viewer: Viewer, data: bytes) -> None:
        if viewer.unsent:
            viewer.unsent += data
            return
        try:
            sent = viewer.sock.send(data)
        except BlockingIOError:
            sent = 0
        viewer.unsent = data[sent:]
        if viewer.unsent:
            self._poll.modify(viewer.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _frame(payload: bytes) -> bytes:
    length = len(payload)
    head = struct.pack("!BBH", 0x81, 0x80 | 126, length) if length > 125 else bytes((0x81, 0x80 | length))
    return head + bytes(4) + payload


def _upgrade(sock: socket.socket) -> None:
    sock.sendall(
        b"GET /announce HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = sock.recv(1)
        if not more:
            raise SystemExit(f"no WebSocket: {head!r}")
        head += more
    if b" 101 " not in head.splitlines()[0]:
        raise SystemExit(f"no WebSocket: {head.splitlines()[0]!r}")


def main() -> None:
    load = Load(json.loads(sys.stdin.readline()))
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "join":
            answer = load.join()
        else:
            answer = load.run(order["seconds"], order["window"], order["pid"], order["answering"])
        print(json.dumps(answer), flush=True)
