"""Hot HTTP beside nginx: a live manifest, a 1 MiB segment held in memory; player page and largest script.

``live-torrent serve`` as shipped and one nginx worker are pinned to the same core and asked in turns by wrk
on another: 64 kept connections, the manifest of 8 segments (magnets and info dictionaries in it), page and
script as gzip, the same bytes with the same headers from both (nginx: ``gzip_static``, ``sendfile`` from
tmpfs, open files cached, no log). Ratios are medians of rounds. Where wrk's own core is the limit a server is
not busy, and requests per second flatter the slower one: the same ratio per CPU-second of the server stands
beside it.

Goals: nginx at most 3 times as fast with a manifest, twice with a segment.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.report import Figure, report
from bench.server import Writer, serving
from bench.swarm.nginx import find, preamble, temporary
from seeder.web import Certificate, self_signed

CONNECTIONS = 64
MANIFEST, SEGMENT = "/live/show/index.m3u8", "/live/show/{last}"
PAGE, SCRIPT = "/watch/show", "{script}"
PACKED = ("-H", "Accept-Encoding: gzip")
BROWSER = (
    "-H", "Accept-Encoding: gzip, deflate", "-H", "Accept: */*", "-H", "Accept-Language: en-GB,en;q=0.9",
    "-H", "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
          "Chrome/141.0.0.0 Safari/537.36",
    "-H", "Referer: http://127.0.0.1:8008/watch/show", "-H", "Sec-Fetch-Dest: empty",
    "-H", "Sec-Fetch-Mode: cors", "-H", "Sec-Fetch-Site: same-origin",
)  # fmt: skip
"""What Chromium sends with a player's request."""


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    path: str
    options: tuple[str, ...] = ()
    conditional: bool = False
    """Asked with the tag of what the client already has."""
    goal: float | None = None
    """nginx ÷ ours, at most."""


CASES = (
    Case("manifest", MANIFEST, PACKED, goal=3.0),
    Case("segment of 1 MiB", SEGMENT, goal=2.0),
    Case("manifest, a browser's request", MANIFEST, BROWSER, goal=3.0),
    Case("manifest, not modified", MANIFEST, PACKED, conditional=True),
    Case("page, a browser's request", PAGE, BROWSER),
    Case("hls.js, a browser's request", SCRIPT, BROWSER),
)


@dataclass(frozen=True, slots=True)
class Contestant:
    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class Rate:
    per_second: float
    """Requests per second."""
    per_cpu: float
    """Requests per CPU-second of the server."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each round")
    options = parser.parse_args()
    if reason := missing():
        print(f"SKIPPED: bench/http.py compares with nginx, and {reason}")
        return
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(dir=_memory()) as name:
        folder = Path(name)
        with _both(folder / "http", None) as (ours, theirs, names):
            for case in CASES:
                pairs = [
                    (_wrk(ours, case, names, options.seconds), _wrk(theirs, case, names, options.seconds))
                    for _ in range(options.rounds)
                ]
                figures += _figures(case, pairs)
        if shutil.which("h2load"):
            with _both(folder / "https", self_signed(folder / "state", "127.0.0.1")) as (ours, theirs, _):
                case = Case("manifest over HTTP/2", MANIFEST)
                pairs = [
                    (_h2load(ours, case.path, options.seconds), _h2load(theirs, case.path, options.seconds))
                    for _ in range(options.rounds)
                ]
                figures += _figures(case, pairs)
    report("http", figures, f"medians of {options.rounds} rounds of {options.seconds} s, one core each")


def missing() -> str:
    """What is not there, in words; apt-get gets it where it can."""
    if (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
        return "it needs Linux with two cores"
    packages = [package for program, package in (("wrk", "wrk"), ("h2load", "nghttp2-client"))
                if shutil.which(program) is None]  # fmt: skip
    packages += [] if find() else ["nginx-light"]
    if packages and shutil.which("apt-get") and os.geteuid() == 0:
        print(f"== getting {', '.join(packages)} by apt-get (once)", flush=True)
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # starts no service
        for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", "-q", *command], env=environ, check=False, timeout=300)
    lacking = [name for name, found in (("nginx", find()), ("wrk", shutil.which("wrk"))) if not found]
    return f"there is no {' and no '.join(lacking)} (Debian, Ubuntu: apt-get install)" if lacking else ""


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


# --- the two servers ---------------------------------------------------------------------------------


@contextmanager
def _both(
    folder: Path, certificate: Certificate | None
) -> Iterator[tuple[Contestant, Contestant, Mapping[str, str]]]:
    """Ours, and nginx with the same bytes, on the first core; and what the paths of cases name."""
    feed = folder / "feed"
    feed.mkdir(parents=True)
    writer = Writer(feed, "show")
    last = [writer.add(os.urandom(1 << 20)) for _ in range(8)][-1]
    tls = () if certificate is None else (
        "--tls-cert", str(certificate.cert), "--tls-key", str(certificate.key))  # fmt: skip
    pinned = ("taskset", "-c", "0")
    with ExitStack() as stack:
        flags = ("--log-level", "warning", *tls)
        server = stack.enter_context(serving(feed, *flags, prefix=pinned))
        ours = Contestant(server.address, server.pid)
        # The page preloads its largest script first.
        script = re.search(rb'"modulepreload" href="([^"]+)"', _get(ours, PAGE)[1])
        if script is None:
            raise SystemExit("the page names no script; its bundle may not be built: make bundle")
        names = {"last": last, "script": script[1].decode()}
        headers = _copied(ours, names, folder / "site")
        theirs = stack.enter_context(_nginx(folder, headers, certificate, pinned))
        yield ours, theirs, names


def _copied(ours: Contestant, names: Mapping[str, str], site: Path) -> dict[str, Mapping[str, str]]:
    """What we serve becomes nginx's files; our headers by path."""
    deadline = time.monotonic() + 60
    while _get(ours, MANIFEST)[1].count(b"MAGNET=") < 8:
        if time.monotonic() > deadline:
            raise SystemExit("the manifest does not get its magnets; the server's messages are above")
        time.sleep(0.1)
    headers = {}
    for path in (each.format(**names) for each in (MANIFEST, SEGMENT, PAGE, SCRIPT)):
        file = site / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        headers[path], body = _get(ours, path)
        file.write_bytes(body)
        packed = _get(ours, path, {"Accept-Encoding": "gzip"})
        if "content-encoding" in map(str.lower, packed[0]):
            file.with_name(f"{file.name}.gz").write_bytes(packed[1])
    return headers


def _get(server: Contestant, path: str, headers: Mapping[str, str] = {}) -> tuple[dict[str, str], bytes]:
    where = urlsplit(server.url)
    if where.scheme == "https":
        unchecked = ssl._create_unverified_context()  # it is ours, made a moment ago
        connection = http.client.HTTPSConnection("127.0.0.1", where.port, timeout=60, context=unchecked)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", where.port or 80, timeout=60)
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return dict(answer.getheaders()), body


_OWN = {
    "content-length", "content-type", "content-encoding", "date", "etag", "accept-ranges", "connection",
    "vary",
}  # fmt: skip
"""Headers that nginx makes itself."""


@contextmanager
def _nginx(
    folder: Path, headers: dict[str, Mapping[str, str]], tls: Certificate | None, prefix: Sequence[str]
) -> Iterator[Contestant]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    conf = folder / "nginx.conf"
    conf.write_text(_config(folder, port, headers, tls))
    command = [*prefix, str(find()), "-p", str(folder), "-e", "stderr", "-c", str(conf)]
    process = subprocess.Popen(command)
    try:
        yield Contestant(f"http{'s' if tls else ''}://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _config(folder: Path, port: int, headers: dict[str, Mapping[str, str]], tls: Certificate | None) -> str:
    def location(path: str) -> str:
        of = {name.lower(): value for name, value in headers[path].items()}
        added = " ".join(f'add_header {name} "{of[name]}";' for name in of if name not in _OWN)
        return f'location = {path} {{ types {{ }} default_type "{of["content-type"]}"; {added} }}'

    secure = f"ssl http2; ssl_certificate {tls.cert}; ssl_certificate_key {tls.key}" if tls else ""
    return f"""{preamble(folder)}
http {{
  {temporary(folder)}
  access_log off;
  sendfile on; tcp_nopush on; tcp_nodelay on; gzip_static on; gzip_vary on;
  keepalive_timeout 75; keepalive_requests 1000000000;
  open_file_cache max=100 inactive=1h; open_file_cache_valid 1h;
  server {{
    listen 127.0.0.1:{port} {secure};
    root {folder}/site;
    {" ".join(map(location, headers))}
  }}
}}
"""


# --- rounds ------------------------------------------------------------------------------------------


def _wrk(server: Contestant, case: Case, names: Mapping[str, str], seconds: int) -> Rate:
    options = [*case.options]
    path = case.path.format(**names)
    if case.conditional:
        tag = {k.lower(): v for k, v in _get(server, path, {"Accept-Encoding": "gzip"})[0].items()}["etag"]
        options += ["-H", f"If-None-Match: {tag}"]
    command = [
        "taskset",
        "-c",
        "1",
        "wrk",
        "-t",
        "1",
        "-c",
        str(CONNECTIONS),
        "-d",
        f"{seconds}s",
        "--timeout",
        "30s",
    ]
    return _measured(server, [*command, *options, server.url + path], r"Requests/sec:\s+([\d.]+)")


def _h2load(server: Contestant, path: str, seconds: int) -> Rate:
    command = ["taskset", "-c", "1", "h2load", "-t", "1", "-c", "16", "-m", "4", "-D", str(seconds)]
    command += ["-H", "accept-encoding: gzip", server.url + path]
    return _measured(server, command, r"finished in .*?, ([\d.]+) req/s")


def _measured(server: Contestant, command: Sequence[str], pattern: str) -> Rate:
    before, began = _cpu(server.pid), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    took, used = time.monotonic() - began, _cpu(server.pid) - before
    match = re.search(pattern, done.stdout)
    # wrk says so on a line of its own; h2load counts them on one line.
    bad = re.search(
        r"Non-2xx or 3xx responses: (.*)|Socket errors: (.*)|, ([1-9]\d*) (?:failed|errored)", done.stdout
    )
    if match is None or bad:
        raise SystemExit(f"{' '.join(command)}: {bad[0] if bad else done.stdout}")
    rate = float(match[1])
    return Rate(rate, rate * took / max(used, 0.01))


def _cpu(pid: int) -> float:
    """Seconds of CPU a process has used (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _figures(case: Case, pairs: Sequence[tuple[Rate, Rate]]) -> list[Figure]:
    ratio = statistics.median(theirs.per_second / ours.per_second for ours, theirs in pairs)
    cpu = statistics.median(theirs.per_cpu / ours.per_cpu for ours, theirs in pairs)
    figures = [
        Figure(f"{case.name}: nginx ÷ ours", ratio, "×", case.goal),
        Figure(f"{case.name}: per CPU-second", cpu, "×", case.goal),
    ]
    for name, rates in (("ours", [ours for ours, _ in pairs]), ("nginx", [theirs for _, theirs in pairs])):
        figures += [
            Figure(f"{case.name}: {name}", statistics.median(rate.per_second for rate in rates), "/s"),
            Figure(f"{case.name}: {name}", statistics.median(rate.per_cpu for rate in rates), "/cpu s"),
        ]
    return figures


if __name__ == "__main__":
    main()
