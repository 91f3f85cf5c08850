"""SRT: one UDP port for every publisher (draft-sharabayko-srt-01).

handshake     what two ends say before media: induction (have this cookie), conclusion (…, and the stream id)
stream id     what the caller calls itself, in clear: a key, or a stream and a key (``streamid``)
passphrase    … or the name of a stream, whose key encrypts all that follows (``passphrase``)
private end   an ffmpeg that listens on loopback for this one publisher: its libsrt does SRT (``private``)
front         answers inductions itself, asks the desk, then passes datagrams on both ways (``listener``)

ffmpeg's own SRT listener takes whoever comes, and libsrt has no binding for Python that is kept. So the front
reads handshakes and nothing else: cookies are of its own making until the desk has said yes; the conclusion
then goes to the private end with the cookie that is good there, and each answers the other through the front.
"""
