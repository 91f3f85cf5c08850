"""Feeds that others serve: their playlists with magnets, their segments where they are.

upstream     the server that has the feed; its URLs are *home*
rhythm       when to reload a playlist, to be neither late nor rude (pure)
"""
