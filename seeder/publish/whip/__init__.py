"""WHIP: a WebRTC publisher's media, over one UDP port, to ffmpeg.

    offer      what the client says it can send; ``answer``: what we take of it (SDP)
    port       the UDP socket; ``stun``: whose a datagram is (ICE lite)
    peer       one publisher's connection; ``secure``: DTLS and SRTP
    receiver   one track: ``order`` of its packets, ``frames`` of its pictures; ``feedback``: what is missing
    carrier    the tracks together: ``timeline`` relates their clocks, ``matroska`` is what ffmpeg reads
    endpoint   offers become sessions of the desk; HTTP is ``web.whip``'s

Nothing is decoded here. Importing :mod:`endpoint` brings OpenSSL and libsrtp: only who publishes pays for it.
"""
