"""``live-torrent check``: playlists, fetched and held against the rules of :mod:`seeder.hls.check`.

inspection    one presentation: every playlist over several reloads, some of its segments
segments      segments, init sections and keys: fetched, looked at, held against their torrents
report        what was found, for people and for programs
"""
