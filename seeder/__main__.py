"""``live-torrent``, also as ``python -m seeder``: the entry point, with next to nothing imported yet."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    try:
        # Here and not above: Ctrl-C while the command's own imports run is not worth a traceback either.
        from seeder.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
