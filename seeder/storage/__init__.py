"""Storage: recordings are copied to an S3-compatible store, whose URLs serve beside ours as web seeds.

    place       bucket and prefix, and the URL that viewers reach it by (``place``)
    object      one file of a recording there: ``PREFIX/NAME/v0/….m4s``
    plan        what is copied of a recording: init sections and segments first, then playlists, the master
                last, so that whatever is found lists nothing that is not there (``plan``)
    baked       a playlist as it lies there: with magnets whose web seeds are there, too
    stored      all of it is there; noted in the feed's hidden folder (``state``)

Only ``store`` knows the library that speaks S3. What is live never waits for any of it (``room``).
"""
