"""``make bench-swarm``: contestants side by side, in real browsers, on the same live stream, in one run.

**Contestant**: a way to deliver the stream, with the page its viewers open (``contestants``).
**Setting**: links, number of viewers, churn, a busy core (``settings``).
**Trial**: one contestant in one setting, everything fresh (``trial``): a **packager** releases ready-made
segments on the clock (``packager``, ``stream``), an **nginx** counts what the origin sends (``nginx``,
``origin_log``), **viewers** are Chromium pages with a **probe** in each (``viewers``, ``pages/probe.js``).
Shaped links are a small router of ours between network namespaces (``shaping`` decides, ``router`` carries,
``namespaces`` sets up).

Nothing is taken from a contestant's own counters: what was delivered follows from the stream (bytes of the
segments × viewers), what the origin sent from nginx, what viewers sent each other from their browsers'
WebRTC statistics, and latency from a frame number in the picture. ``metrics`` turns that into figures;
``table`` and ``svg`` show them.

Pure: contestants, settings, origin_log, shaping, metrics, table, svg, and the texts of packager and nginx.
"""
