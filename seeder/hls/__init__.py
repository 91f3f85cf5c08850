"""Playlists, read and annotated; nothing here touches a file or a socket.

The nouns are those of RFC 8216bis:

    playlist      text that lists segments (*media playlist*) or variants (*multivariant playlist*)
    segment       one ``#EXTINF`` and its URI; its MSN is EXT-X-MEDIA-SEQUENCE plus its index
    init section  what EXT-X-MAP names: read before the segments that follow it
    reference     any URI a playlist mentions; only referenced files are ever served

and how the modules meet:

    attributes   ``NAME=value,NAME="value"`` lists ⇄ dictionaries
    playlist     text → records; the text itself stays what is served
    names        a URI in a playlist ⇄ the path under ``/live/<stream>/`` ⇄ its content type
    manifest     the served manifest: the writer's lines plus one tag per segment with magnet and INFO
    delivery     what a request may ask of a playlist beside itself (LL-HLS), and whether this one has it
    delta        a playlist without what its reader has had
    rewrite      a playlist that lives elsewhere, fit to be served from here
    master       a multivariant playlist for a stream whose writer wrote none
    check        what successive reloads of a playlist must keep to
"""
