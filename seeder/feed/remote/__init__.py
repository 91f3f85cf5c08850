"""Feeds that others serve: their playlists with magnets, their segments where they are.

upstream     the server that has the feed; its URLs are *home*
part         of a segment to come (LL-HLS): players fetch it from its home
relay        what has its home elsewhere and is served here all the same

rhythm       when to reload a playlist, to be neither late nor rude (pure)
listing      one answer, and how it follows the one before (pure)
follow       one playlist, reloaded through all that goes wrong; where its server can wait, it waits there
hold         segments, each fetched once and hashed
places       URLs of playlists → paths here (pure)
view         listings and what is held of them → what is published (pure)
task         all of it, from start to stop
"""
