"""Imports: media that was made elsewhere becomes a VOD in the feed, a stream like any other.

    chunk       one file of a folder of WebM: a whole one with its own header, or a piece of one recorder's
                output, of which only the first has the header (``chunks``)
    scan        what a WebM's elements say: tracks, times of blocks, where bytes are missing (``webm``)
    stretch     what one ffmpeg reads from beginning to end; between two of them something is missing or of
                another kind, and viewers get an EXT-X-DISCONTINUITY (``chunks``)
    workshop    a hidden folder of the feed in which the VOD is made; renamed when it is whole, so that nobody
                sees half of one (``workshop``)
    film        segments and playlists of the VOD as they are written (``film``)

``convert`` puts them together; ``command`` and ``task`` ask for it, from the command line and over the API.
"""
