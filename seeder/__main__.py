"""``python -m seeder`` is ``live-torrent``."""

from seeder.cli import main

if __name__ == "__main__":
    main()
