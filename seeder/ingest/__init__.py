"""Ingest: a live input becomes HLS in ``feed/<stream>/``.

The words of this room, in the order the bytes meet them:

    source      what INPUT is: our test picture, a file, a URL, a capture device, standard input (``sources``)
    probe       what ffmpeg says is inside it: codecs, size, frame rate, longest GOP (``probe``, ``probing``)
    step        one variant of a ladder as it is made: copied, or encoded at a size and bit rate (``steps``)
    plan        what ffmpeg shall do about that: copy what fits, encode the rest (``encoder``, ``outputs``)
    run         one life of one ffmpeg process; a stream outlives many of them (``run``, ``process``)
    fragment    one moof+mdat pair of a run's output; it may start with an IDR picture or not (``cmaf``),
                and sound from before that goes to the fragment before (``early``)
    cut         the fragments of one segment: starts with an IDR, fits the Target Duration (``segmenter``),
                and is the same stretch of time in all variants (``aligner``)
    anchor      the wall-clock time of a run's first sample: EXT-X-PROGRAM-DATE-TIME counts from it
    timeline    where the last listed segment ends, in wall-clock time; anchors never lie before it
    packager    writes init sections, segments and playlists into the feed (``packager``, ``playlist``)
    retire      delete a file that no listed segment needs, once nobody can still be asking for it
    birth       the time a packager started, in every file name: no URI is ever reused for other bytes

``ingest.Ingest`` puts them together. Only ``binary``, ``probing``, ``trial``, ``process``, ``run``,
``packager``, ``retirer``, ``storage`` and ``ingest`` act; everything else is a function of its arguments.
"""
