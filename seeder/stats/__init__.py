"""What happened, counted: numbers in, a frozen snapshot out. Nothing here acts or imports another room.

- **Counters** (:mod:`~seeder.stats.counters`): the mutable tallies that rooms write into. Each room is
  handed its own (:class:`HttpCounters` for web, :class:`TrackerCounters` for the tracker) and only
  ever adds; one event loop writes them, so there are no locks.
- **Snapshot** (:mod:`~seeder.stats.snapshot`): everything known at one moment, as frozen values.
  ``/metrics`` and ``/healthz`` are two renderings of the same snapshot, so they never disagree.
- **Health**: whether a room can do its work, and one line that says why not.

A *counter* only grows (bytes, messages), a *gauge* is a level now (connections, segments): the
distinction is Prometheus's and the names of the fields follow it.
"""
