"""A stock libtorrent, told by lines of JSON on its stdin what to do; each gets a line in answer.

Run by :func:`tests.torrent.strangers.stranger`. At the end of its input it is gone at once: the session's
destructor would wait for the tracker.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import libtorrent as lt


def add(session: Any, order: dict[str, Any]) -> Any:
    source = order["add"]
    if source.startswith("magnet:"):
        parameters = lt.parse_magnet_uri(source)
    else:
        parameters = lt.load_torrent_file(source)
    if order["trackers"] is not None:
        parameters.trackers = order["trackers"]
    parameters.url_seeds = []  # HTTP would do it without a peer
    parameters.save_path = order["folder"]
    parameters.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    return session.add_torrent(parameters)


def complete(session: Any, handle: Any) -> bool:
    """It has everything, and whoever reads the file finds it there."""
    if not handle.status().is_seeding:
        return False
    session.pop_alerts()
    handle.flush_cache()
    while True:
        session.wait_for_alert(1000)
        if any(isinstance(alert, lt.cache_flushed_alert) for alert in session.pop_alerts()):
            return True


def main() -> None:
    session = lt.session(json.loads(sys.argv[1]) | {"alert_mask": lt.alert.category_t.storage_notification})
    handles: dict[str, Any] = {}
    for line in sys.stdin:
        order = json.loads(line)
        answer = True
        if "add" in order:
            handles[order["infohash"]] = add(session, order)
        elif "remove" in order:
            session.remove_torrent(handles.pop(order["remove"]))
        else:
            answer = complete(session, handles[order["complete"]])
        print(json.dumps(answer), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
