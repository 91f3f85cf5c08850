"""RTP: a publisher's packets, already decrypted, on their way to a private ffmpeg.

track     what one RTP session carries, and the SDP that tells ffmpeg so (``track``)
bridge    the ports of this machine over which ffmpeg gets them (``bridge``)
"""

from seeder.publish.rtp.bridge import Bridge, bridged
from seeder.publish.rtp.track import Track, describe

__all__ = ["Bridge", "Track", "bridged", "describe"]
