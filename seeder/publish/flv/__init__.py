"""FLV: what RTMP carries, and what some encoders send over plain TCP.

tag        a piece of a file: audio, video or script data with a time stamp (``tags``)
media      what a publisher's tags become: a head that every reader needs first, and chunks (``media``)
listener   FLV over a TCP port of its own; the key stands in the metadata (``listener``)
"""
