"""A baked folder as it was before, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seeder.baking import find
from seeder.baking.journal import NAME, load
from seeder.baking.plan import Remarks
from seeder.baking.store import Folder
from seeder.errors import FeedError, PlaylistError
from seeder.hls.manifest import join_tags


@dataclass(slots=True)
class Undone:
    """What was done, or would be."""

    playlists: int = 0
    files: int = 0
    """Of ours, removed."""
    stopped: bool = False


def undo(
    folder: Folder, remarks: Remarks, tell: Callable[[str], None], stopped: Callable[[], bool], dry_run: bool
) -> Undone:
    """What was changed since is somebody's work and stays. Cut short it goes on the next time: the state goes
    last. FeedError where nothing was baked."""
    done = Undone()
    with folder.locked():
        state = load(folder)
        if state is None:
            raise FeedError(f"nothing to undo: there is no {NAME} in {folder.root}")
        ids = state.ids()
        for path, removed in sorted(state.playlists.items()):
            if stopped():
                done.stopped = True
                return done
            try:
                original = find.read(folder, path, ids)
            except (PlaylistError, OSError) as error:
                remarks.add(path, f"cannot be used ({error}): left alone")
                continue
            if original is None or not original.ours:
                continue  # gone, or written anew by whoever writes it
            if not dry_run:
                folder.put(path, join_tags(original.text, removed).encode())
            done.playlists += 1
            tell(f"{path}: as it was")
        for path, digests in sorted(state.files.items()):
            there = folder.digest(path)
            if there in digests:
                if not dry_run:
                    folder.remove(path)
                done.files += 1
            elif there is not None:
                remarks.add(path, "was changed since it was made: it stays")
        if not dry_run:
            folder.remove(NAME)
    return done
