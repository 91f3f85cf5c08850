"""A stream's assets: found, loaded, renewed when their files change, kept while they are wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from seeder.feed.assets import Asset, Loader, Missing, Want, locate, present
from seeder.feed.beneath import Signature
from seeder.feed.playlists import Complaints
from seeder.feed.scan import Scan
from seeder.feed.settling import QUIET_SEGMENT
from seeder.torrent.metainfo import begins

MAX_EARLY = 16
MAX_EARLY_BYTES = 32 << 20
"""Segments closed but not yet listed, held ready: one for each variant, of a few MB."""


class Shelf:
    """``settled`` as in :class:`Playlists`; ``arrived`` is called when a load has finished."""

    def __init__(
        self,
        root: Path,
        loader: Loader,
        complain: Complaints,
        settled: Callable[[str, float], bool],
        arrived: Callable[[], None],
    ) -> None:
        self.assets: dict[str, Asset] = {}
        """By path: what can be served now."""
        self._root = root
        self._loader = loader
        self._complain = complain
        self._settled = settled
        self._arrived = arrived
        self._missing: dict[str, Signature | None] = {}  # path → what was there when it could not be had
        self._examined: dict[str, Signature] = {}  # path → what is there now and was refused
        self._loading: set[str] = set()
        self._early: dict[str, Asset] = {}  # by file; bounded by MAX_EARLY and MAX_EARLY_BYTES

    async def update(self, wanted: Mapping[str, Want], files: Scan) -> None:
        """Find what is new and start to load what is not loaded or has changed."""
        new = []
        for path, want in wanted.items():
            if path in self.assets:
                self._renew(path, want, files)
            elif (early := self._take_early(want, files)) is not None:
                self.assets[path] = early
            elif path not in self._missing or self._missing[path] != files.get(want.file):
                new.append(want)
        if new:
            for path, result in (await asyncio.to_thread(locate, self._root, new)).items():
                if isinstance(result, Asset):
                    self.assets[path] = result
                    self._missing.pop(path, None)
                else:
                    self._give_up(result, files)
        now = await self._look(wanted, files)
        for path, want in wanted.items():
            asset = self.assets.get(path)
            if asset is not None and path not in self._loading:
                self._load(path, want, asset, now.get(path, files.get(want.file)))

    async def _look(self, wanted: Mapping[str, Want], files: Scan) -> dict[str, Signature]:
        """By path: what is there of files that grow. Nobody says so before their writer is done with them,
        and yet a range that is listed is to be had."""
        short = [
            want
            for path, want in wanted.items()
            if want.live and path in self.assets and _ends(want) > _size(files.get(want.file))
        ]
        found = await asyncio.to_thread(locate, self._root, short) if short else {}
        return {path: asset.signature for path, asset in found.items() if isinstance(asset, Asset)}

    @property
    def lacking(self) -> bool:
        """Something that is listed could not be had: it may come, under whatever name."""
        return bool(self._missing)

    def loading(self, wanted: Mapping[str, Want]) -> bool:
        """Some of these are being loaded just now."""
        return not self._loading.isdisjoint(wanted)

    def keep(self, listed: Mapping[str, Want], lingering: Iterable[str], files: Scan) -> None:
        """Let go of everything else."""
        kept = listed.keys() | set(lingering)
        self.assets = {path: asset for path, asset in self.assets.items() if path in kept}
        self._missing = {path: seen for path, seen in self._missing.items() if path in listed}
        self._examined = {path: seen for path, seen in self._examined.items() if path in listed}
        self._early = {file: asset for file, asset in self._early.items() if file in files}

    def drop(self, paths: Iterable[str]) -> None:
        """Serve these from disk from now on: the memory is needed for newer ones."""
        for path in paths:
            asset = self.assets.get(path)
            if asset is not None and asset.data is not None:
                self.assets[path] = replace(asset, data=None, want=replace(asset.want, live=False))

    def expect(self, want: Want) -> None:
        """Load a segment that is complete but not yet listed, so that it is ready when it is."""
        if want.path not in self.assets and want.path not in self._loading:
            self._loader.submit(want, self._early_done)

    # --- what loading brings -----------------------------------------------------------------------

    def _renew(self, path: str, want: Want, files: Scan) -> None:
        """Let an asset know what it is wanted for now: a live stream's end makes it a recorded one."""
        asset = self.assets[path]
        if asset.want == want:
            return
        if asset.data is not None and not want.live:
            # From disk again, if it is still there as it was; what is gone from there stays in memory.
            data = None if files.get(want.file) == asset.signature else asset.data
            self.assets[path] = replace(asset, want=want, data=data)
        elif asset.want.live == want.live or want.spans or not asset.loaded:
            self.assets[path] = replace(asset, want=want)

    def _load(self, path: str, want: Want, asset: Asset, there: Signature | None) -> None:
        if asset.loaded:
            if there is None and asset.data is None:
                del self.assets[path]  # deleted, and we hold nothing of it: listed, not served
                self._missing[path] = None
                return
            unseen = there is not None and there != self._examined.get(path)
            new = unseen and there != asset.signature
            more = unseen and there is not None and not asset.parts.keys() >= present(want.spans, there.size)
            # A range that a live playlist lists is complete, though the file goes on growing.
            ready = (more and want.live) or ((new or more) and self._settled(want.file, QUIET_SEGMENT))
        else:
            # Listed means complete; but a recording that is being copied here is in no hurry.
            ready = want.live or self._settled(want.file, QUIET_SEGMENT)
        if ready:
            self._loading.add(path)
            self._loader.submit(replace(want, live=asset.want.live), self._done, asset.parts)

    def _done(self, result: Asset | Missing) -> None:
        path = result.want.path
        self._loading.discard(path)
        self._arrived()
        before = self.assets.get(path)
        if before is None:
            return  # no longer listed
        if isinstance(result, Missing):
            if not before.loaded:
                del self.assets[path]
                self._missing[path] = result.seen
            elif result.seen is not None:
                self._examined[path] = result.seen
        elif _cut_off(before, result):
            self._examined[path] = result.signature
            self._complain(f"{path} was cut off: its whole bytes stay")
        else:
            self.assets[path] = result

    def _give_up(self, result: Missing, files: Scan) -> None:
        self._missing[result.want.path] = files.get(result.want.file)
        path = result.want.path
        self._complain(f"{path} is listed but cannot be read: published without a torrent", "unreadable")

    # --- segments that are not listed yet ----------------------------------------------------------

    def _early_done(self, result: Asset | Missing) -> None:
        if isinstance(result, Missing) or result.data is None or result.want.path in self.assets:
            return
        self._early[result.want.file] = result
        while len(self._early) > MAX_EARLY or self._early_bytes() > MAX_EARLY_BYTES:
            del self._early[next(iter(self._early))]

    def _early_bytes(self) -> int:
        return sum(asset.signature.size for asset in self._early.values())

    def _take_early(self, want: Want, files: Scan) -> Asset | None:
        early = self._early.pop(want.file, None)
        if early is None or early.want != want or early.signature != files.get(want.file):
            return None
        return early


def _ends(want: Want) -> int:
    return max((span.stop for span in want.spans), default=0)


def _size(signature: Signature | None) -> int:
    return signature.size if signature is not None else 0


def _cut_off(before: Asset, after: Asset) -> bool:
    """A live segment's file shrank to its beginning: what was hashed is what stays served."""
    if before.data is None or before.torrent is None or after.data is None:
        return False
    return after.signature.size == 0 or begins(before.torrent, after.data)
