"""The room as the configuration has it."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from pathlib import Path

from seeder.config import Config
from seeder.feed.library import Library
from seeder.model import Addresses
from seeder.storage.credentials import credentials
from seeder.storage.place import place_of
from seeder.storage.room import Storage
from seeder.storage.store import Store

log = logging.getLogger(__name__)


def opened(
    config: Config, feed: Path, library: Library, note: Path, environ: MutableMapping[str, str]
) -> Storage:
    """``note``: where it keeps its state. Raises :class:`~seeder.errors.ConfigError` without credentials."""
    assert config.storage is not None
    place = place_of(
        config.storage, config.storage_endpoint, config.storage_region, config.storage_public_url
    )
    tracker = config.tracker
    if tracker is None and config.public_url is not None:
        tracker = f"ws{config.public_url.removeprefix('http')}/announce"  # http→ws, https→wss
    reach = None if tracker is None else Addresses("", tracker, config.stun, config.terms)
    if reach is None:
        log.info("without --public-url or --tracker the playlists in %s get no magnets", config.storage)
    store = Store(place, credentials(config.storage_credentials, environ))
    return Storage(feed, library, store, place.url, note, reach)
