"""Webhooks: servers of the operator's are told what happens to streams, by signed POSTs, until they know.

place      a server that is told: the hash of its address, for that may hold a secret
message    what one place is to be told: a kind, the JSON, an id that stays the same over all attempts
           (``message``: pure, the signature too; the words are those of the Standard Webhooks specification)
attempt    one POST; a message is ``due`` again some time after one that failed (``schedule``: pure)
lane       the messages of one stream for one place: they go in order, unless one fails too often
box        the messages that wait, in a file of the feed's hidden folder: a restart loses none (``box``)
room       events in, attempts out (``room``)
"""
