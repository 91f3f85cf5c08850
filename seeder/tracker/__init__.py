"""Viewers find each other: a WebTorrent tracker at ``/announce``, over WebSocket.

- **Announce**: a peer says that it takes part in an infohash's **swarm**; the **reply** gives how many
  seeds (*complete*) and others (*incomplete*) there are and the **interval** until the next one.
- **Offer**: an SDP that an announce carries; each is relayed to a different peer of the swarm.
  **Answer**: that peer's SDP, relayed back, only along the way its offer came (**offer_id**).
- **Scrape**: counts without taking part (BEP 48). **Stopped**, **completed**: events of an announce.
- **Connection** (``ConnId``): one WebSocket. It carries many infohashes: a libtorrent session and a
  webtorrent page each share one socket among all their torrents.
- **Retire**: a segment has left the window; its swarm ends with one last reply to every member.

:mod:`~seeder.tracker.wire` maps JSON to records and back; :mod:`~seeder.tracker.swarm` decides what is
sent to whom (no sockets, no clock, no dice: they are passed in); :mod:`~seeder.tracker.reception` whose
offer reaches our own seed, known by its private listener (**home**); :mod:`~seeder.tracker.turn` what
credentials viewers get for TURN servers; :mod:`~seeder.tracker.limits` gives every bound its reason;
:mod:`~seeder.tracker.socket` carries messages, straight on the connections it is given
(:mod:`~seeder.tracker.carrier`) or over any ASGI server. A stream's rendezvous is an infohash like any other
here.
"""

from seeder.tracker.limits import Limits
from seeder.tracker.socket import Tracker
from seeder.tracker.turn import Turn, read_secret

__all__ = ["Limits", "Tracker", "Turn", "read_secret"]
