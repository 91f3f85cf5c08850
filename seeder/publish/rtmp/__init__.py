"""RTMP, as encoders publish by it (Adobe's RTMP 1.0, 2012, and Enhanced RTMP); our own, since no library
of it for asyncio is kept.

    handshake      three packets each way, of which only the sizes matter (``handshake``)
    chunk          a piece of a message; messages of several chunk streams are interleaved (``chunks``)
    message        a kind, a time and a body: control, a command in AMF, audio, video (``chunks``)
    conversation   what a publisher is answered; it says what it wants, and then its media (``conversation``)
    wish           the key, and perhaps the stream, that a publisher named (``wish``)
    listener       carries bytes between a socket, a conversation and the desk (``listener``)

All but the listener is pure.
"""
