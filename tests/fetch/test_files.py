from __future__ import annotations

from pathlib import Path

import pytest

from seeder.errors import FetchError
from seeder.fetch import open_source, to_url


async def test_a_local_playlist_is_read_with_what_lies_beneath_its_folder(tmp_path: Path) -> None:
    (tmp_path / "show" / "v 0").mkdir(parents=True)
    (tmp_path / "show" / "master.m3u8").write_text("#EXTM3U\n")
    (tmp_path / "show" / "v 0" / "a.ts").write_bytes(b"x")
    (tmp_path / "secret").write_text("no")
    (tmp_path / "show" / "out").symlink_to(tmp_path / "secret")
    url = to_url(str(tmp_path / "show" / "master.m3u8"))
    async with open_source(url) as source:
        first = await source.get(url, limit=100)
        assert first.data == b"#EXTM3U\n"
        assert (await source.get(url, limit=100, known=first.validators)).status == 304
        folder = url.rpartition("/")[0]
        assert (await source.get(f"{folder}/v%200/a.ts", limit=100)).data == b"x"
        for way in ("../secret", "out", "v%200/%2e%2e/../secret"):
            with pytest.raises(FetchError, match="leads out"):
                await source.get(f"{folder}/{way}", limit=100)
        with pytest.raises(FetchError, match="no such file"):
            await source.get(f"{folder}/b.ts", limit=100)
        with pytest.raises(FetchError, match="more than 3 bytes"):
            await source.get(url, limit=3)
        with pytest.raises(FetchError, match="is not fetched"):
            await source.get("http://127.0.0.1/", limit=3)
