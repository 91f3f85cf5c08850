"""Publish: encoders elsewhere send their media here, and it becomes a stream like any other.

    listener    one port per protocol; reads it just far enough to learn who wants to publish (``rtmp``, …)
    claim       what a publisher said before any of its media was read: a key, perhaps a name (``claim``)
    key         random, shown once, stored hashed; whoever has it may publish one stream (``keys``)
    grant       the answer to a claim: this stream, by that key
    desk        grants claims, lets one publisher at a time have a stream, ends those that lost it (``desk``)
    session     one publisher having a stream; it carries the media to an ingest
    supply      the media's bytes, in a container that ffmpeg reads (``ingest.supply``)

No key, no publishing: media reaches nothing before :meth:`Desk.admit` has said yes.
"""

from seeder.publish.claim import Access, Claim, Grant, RefusedError
from seeder.publish.desk import Desk, Session

__all__ = ["Access", "Claim", "Desk", "Grant", "RefusedError", "Session"]
