"""live-torrent: live HLS in which the viewers carry the load.

The path of one segment, room by room (imports point left to right, never back):

    ingest     ffmpeg cuts the input; the packager writes segments and playlists into ``feed/``
    feed       the watcher sees a playlist change; the library knows what is published now
    torrent    piece hashes make one torrent per segment; libtorrent seeds it
    hls        the playlist gets one tag per segment: magnet and INFO
    tracker    viewers find each other at ``/announce``
    web        playlists, segments, pages and the browser's files over HTTP
    stats      counters in, frozen snapshot out

Beside that path, wired together in ``seeder/beside.py``: ``events`` (what happens), ``recording``,
``posters``, ``tasks`` (exports, ``imports``), ``storage``, ``webhooks``, and their routes. They look on,
and stand in no segment's way. ``seeder/service.py`` makes one run of it all.

``client/`` and ``sw/`` continue the path in the browser: service worker or loader → scheduler →
mesh peers or origin → verified bytes → player.

The words are those of RFC 8216bis (stream, variant, segment, init section, MSN, window) and of the
BEPs (torrent, infohash, piece, block, swarm, peer, seed, tracker, announce, magnet). Ours are:
*feed*, the watched folder; *origin*, our HTTP server, whose bytes are the truth; *mesh*, a viewer's
long-lived connections to other viewers of one stream; *rendezvous*, the infohash under which they
meet; *puller*, the viewer elected to fetch a segment from the origin; *offload*, the bytes from
peers ÷ the bytes delivered.
"""

__version__ = "0.1.0"
