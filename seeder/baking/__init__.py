"""``live-torrent bake``: finished HLS in a folder, made so that any web server serves it with magnets.

    stream     a multivariant playlist with those it lists, or a media playlist that nobody lists
    original   a playlist as its writer left it: every line stays, ours are added (*baked*)
    extent     what one segment is of a file: all of it, or a byte range
    state      what is known of earlier bakes: hashes, swarms, which files are ours

and how the modules meet:

    find       the playlists of a folder, and what is left alone
    listing    one playlist → what planning needs of it (pure)
    streams    playlists → streams, and which of them can be baked (pure)
    state      records ⇄ lines; journal keeps them in ``FOLDER/.live-torrent.jsonl``
    hashing    extents → piece hashes, on several threads
    page       the page that plays a stream (pure); site: the browser's files
    store      files replaced whole, or not at all
    bake       all of it in order; undo takes it back; command: options in, lines out
"""
