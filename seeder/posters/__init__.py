"""Posters: one picture of each stream, for lists and links.

    poster      a JPEG of at most 640 pixels a side and 100 KB (``picture``)
    candidate   a segment whose first key frame may become it: the newest of a live stream, some along the
                way of what has ended (``choice``)
    kept        a recording's poster is ``poster.jpg`` in its folder, made once; every other is held in
                memory, and a live stream's made anew while somebody asks for it (``posters``)

What is in a stream is anybody's. ffmpeg gets bytes on its standard input and no other way to anything; one
runs at a time, behind everything else, for seconds, with little memory.
"""
