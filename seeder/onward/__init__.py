"""Onward: a published stream goes on to players and servers that do not speak HLS.

    choice     which of a stream's playlists is sent on (``choice``, pure)
    step       the next segment of it; a fresh one does not continue what came before (``follow``, pure)
    piece      a step with its bytes, as the library holds them (``reel``)
    run        one ffmpeg that copies pieces into another container, from a fresh one to the next (``remux``)
    packets    MPEG-TS as it leaves a run: where a player can begin, how far time has come (``packets``, pure)
    channel    one stream as MPEG-TS for all who listen, while anybody does (``channel``)
    push       one stream to one server, over and over (``push``)

Nothing is encoded here, and nothing is read but what is published: whoever made the stream, it goes on alike.
"""
