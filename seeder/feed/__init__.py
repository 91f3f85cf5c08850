"""The watched folder and what is published of it.

    feed       the folder; each folder directly under it is a stream, and so is each playlist in it
    event      the kernel's word that a file was written, closed, moved or deleted; may be lost
    scan       every file with its signature; finds what the events missed
    signature  size, modification time and inode: equal means the same bytes
    asset      one file that a playlist references: its bytes or its place, and its torrent
    window     the segments a live playlist lists now
    library    what is published: an immutable view of each stream, replaced whole
    publisher  the task of one stream: playlists in, a new view out

and how the modules meet:

    watch, scan      events and scans name the files that changed
    assets           listed files are read (live: into memory) and hashed, off the event loop
    window, loop     what to seed, keep and retire; a finished folder as a live stream (pure)
    streams          a folder's playlists and assets → a StreamView (pure)
    publisher        one stream: changed files → assets → view → library
    seeding          makes libtorrent hold what is to be seeded, and lets go in order
    task             all of it, from start to stop

A segment is complete when a playlist lists it or its writer closed it, never while it is written.
"""
