"""nginx in front of a contestant: serves the plain files, passes the rest on, and counts."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.swarm.contestants import Backend
from bench.swarm.origin_log import FORMAT
from bench.swarm.processes import running

LOG = "access.log"


def preamble(folder: Path) -> str:
    """One process in the foreground, all it writes in ``folder``."""
    return f"""daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}"""


def temporary(folder: Path) -> str:
    """Where nginx puts what it must not put into the system's folders."""
    return "\n  ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )


def config(folder: Path, pages: Path, listen: str, backend: Backend, behind: str) -> str:
    """``listen`` and ``behind`` are host:port; ``behind`` is the tracker or our server."""
    if backend is Backend.OURS:
        locations = f"location / {{ {_passed(behind)} }}"
    else:
        locations = f"""
    location /live/ {{
      root {folder}/site;
      add_header Access-Control-Allow-Origin *;
      location ~ \\.m3u8$ {{ add_header Cache-Control no-cache; }}
      location ~ \\.(m4s|mp4)$ {{ add_header Cache-Control "public, max-age=600, immutable"; }}
    }}
    location /bench/ {{ alias {pages}/; }}
    location = /tracker {{ {_passed(behind)} }}"""
    return f"""{preamble(folder)}
http {{
  {temporary(folder)}
  log_format bench '{FORMAT}';
  access_log {folder}/{LOG} bench;
  types {{
    text/html html; text/javascript js; application/vnd.apple.mpegurl m3u8;
    video/mp4 mp4; video/iso.segment m4s;
  }}
  # As our server does it, so that manifests weigh the same way for all.
  gzip on; gzip_types application/vnd.apple.mpegurl text/javascript; gzip_proxied any;
  sendfile on; tcp_nodelay on; keepalive_timeout 75;
  proxy_max_temp_file_size 0;
  map $http_upgrade $upgraded {{ default upgrade; '' ''; }}
  server {{
    listen {listen};
    {locations}
  }}
}}
"""


def _passed(behind: str) -> str:
    return (
        f"proxy_pass http://{behind}; proxy_http_version 1.1; proxy_set_header Host $http_host; "
        "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $upgraded; "
        # A WebSocket lives as long as its viewer, however silent.
        "proxy_read_timeout 3600s;"
    )


def find() -> str | None:
    """nginx's executable; Debian has it where only root's PATH leads."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def installed() -> str:
    """Likewise, got by apt where apt is and we may."""
    if (found := find()) is not None:
        return found
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("== getting nginx by apt-get (once)", flush=True)
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # policy-rc.d is the only way to say "do not start it"; a failure to start does no harm here.
        for command in (
            ["apt-get", "-q", "update"],
            ["apt-get", "-q", "install", "-y", "--no-install-recommends", "nginx-light"],
        ):
            subprocess.run(command, env=environ, check=False, timeout=300)
        if (found := find()) is not None:
            return found
    raise SystemExit(
        "error: nginx counts what the origin sends, and there is none: install it (Debian, Ubuntu: "
        "apt-get install nginx-light, as root), then run this again"
    )


@asynccontextmanager
async def serving(
    executable: str,
    folder: Path,
    feed: Path,
    pages: Path,
    listen: str,
    backend: Backend,
    behind: str,
    prefix: Sequence[str],
) -> AsyncIterator[Path]:
    """nginx while the block runs; gives the path of its log, complete once the block has ended."""
    folder.mkdir()
    (folder / "site").mkdir()
    (folder / "site" / "live").symlink_to(feed)
    conf = folder / "nginx.conf"
    conf.write_text(config(folder, pages, listen, backend, behind))
    command = [*prefix, executable, "-p", str(folder), "-e", "stderr", "-c", str(conf)]
    async with running(command, "nginx"):
        yield folder / LOG
        # Lines of the requests that ended with the browsers: nginx sees their sockets close.
        await asyncio.sleep(0.5)
