"""RTSP 1.0 (RFC 2326), as far as publishers need it: ANNOUNCE, SETUP, RECORD, TEARDOWN.

message     what is on the control connection: requests, answers, and frames of RTP between them (``message``)
address     the key and the stream's name, out of an ANNOUNCE (``address``)
sdp         what the publisher says that it will send (``sdp``)
transport   by which way, as its SETUP wants it (``transport``)
ports       UDP ports for those who send by UDP (``ports``)
listener    the port, and what becomes of who comes to it (``listener``)
"""
