"""What a browser's recorder makes, over a WebSocket of the web server, to ffmpeg.

    words      what is said besides the media: start, stop, state, … (``words``)
    container  WebM or fragmented MP4, cut anywhere (``container``; ``ebml``, ``webm``; ``mp4``)
    frame      a coded picture or sound with its time, key or not (``frames``)
    line       a recorder's time stamps, which may jump, on one line (``line``)
    media      frames → a head that tells the truth and chunks that ffmpeg can begin with (``media``)
    talk       one connection, from its first message to its end (``talk``); ``web.publish`` carries it

The container is written anew (``matroska``) and not passed on: a recorder's header may promise a track that
comes late or never, for which ffmpeg would wait, and its time stamps may start anywhere and jump.
"""
