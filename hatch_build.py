"""The build hook: a wheel always holds the browser bundle, whoever builds it and from what."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))  # a build runs before anything is installed

from scripts import bundle


class BundleHook(BuildHookInterface[Any]):
    """Runs for wheels and editable installs; an sdist holds the sources instead."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        try:
            bundle.build()
        except bundle.BundleError as error:
            raise SystemExit(f"live-torrent: {error}") from None
