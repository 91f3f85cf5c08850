"""One torrent per segment, hashed here and seeded by libtorrent.

    torrent    a segment's info dictionary (BEP 3, v1, one file) and its infohash, the SHA-1 of it
    piece      a separately hashed slice of the segment
    magnet     the infohash as a link, with tracker and web seed (BEP 9)
    seed       a peer that holds every piece: our libtorrent session is one for each active torrent
    spool      our private copies of live segments: writers delete theirs, libtorrent needs files

    bencode    integers, byte strings, lists, dictionaries ⇄ bytes (pure)
    metainfo   the piece policy, info dictionaries, .torrent files (pure)
    magnet     magnet links (pure)
    hashing    files and bytes → torrents, off the event loop
    settings   what libtorrent is told, and why (pure)
    seeds      what the other rooms see of libtorrent, wherever it runs
    session    the only importer of libtorrent
    farewell   how a session can end at all
    apart      the session as we have it: in a process of its own, which may crash
    life       one such process, from our side
    child      that process
    wire       what the two say to each other (pure)
    spool      the private folder

A segment's way out is ordered: the library forgets it, libtorrent lets go of its file, its spool file is
deleted, the tracker sends the reply that frees libtorrent's last record of it (sent any earlier it
would find the torrent alive and free nothing).
"""
