"""MPEG-TS over plain TCP and UDP, as encoders and hardware have sent it for ever.

service name   what a stream calls itself in its service description table (SDT): the key (``service``)
sender         an address and a port from which datagrams come; over UDP there is no other connection
listener       one port number for both (``listener``)
"""
