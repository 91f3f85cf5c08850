"""Recordings: what was live stays, in a folder of its own in the feed, a stream like any other.

    recording   one folder ``feed/NAME-YYYYMMDD-HHMMSS/``: playlists, init sections, segments;
                ``recording.json`` says what it is (``about``). An upload or an import is one, too, under a
                name of its own
    of          the stream that is, or was, recorded
    state       ``recording`` (its playlists are EVENT playlists, and grow), ``finishing``, ``ready`` (VOD,
                with EXT-X-ENDLIST), ``incomplete`` (ready, but something could not be written)

take        a recording under way (``take``); from its journal playlists are made (``journal``)
follower    sees to one live stream: what is new in its listings goes into a take (``follower``)
mark        what a live segment is recognised by, so that none is kept twice (``marks``, ``listings``)
archive     all recordings there are: shown, titled, deleted (``archive``)

Segments are hard links to the live stream's files where the file system can do that: nothing is written
twice, and a viewer of the recording has the torrents of those who watched live.
"""
