"""What `npm install live-torrent` gets."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path

import pytest

import seeder
from tests import npm

STRICT = {
    "strict": True,
    "noEmit": True,
    "target": "es2022",
    "lib": ["es2024", "dom", "dom.iterable", "esnext.disposable"],
    "types": [],
    "exactOptionalPropertyTypes": True,
    "noUncheckedIndexedAccess": True,
}

CONSUMER = """
import Hls from 'hls.js'
import { attach, createP2PLoader } from 'live-torrent'
import type { AttachOptions, P2PLoader, Snapshot, State } from 'live-torrent'

const video = document.createElement('video')
const p2p: P2PLoader = createP2PLoader(Hls, {
  maxPeers: 8, sharing: false, mode: 'p2p-only',
  onSegment: ({ msn, source }) => console.log(msn.toFixed(), source === 'peers')
})
const hls: Hls = new Hls({ ...p2p.config, maxBufferLength: 20 })
const told: Snapshot = p2p.stats()
const offload: number = told.offload + (told.latencySeconds ?? 0)
const sharing: boolean = p2p.engine.stats().sharing

const options: AttachOptions = {
  mode: 'loader', muted: false, loadHls: () => import('hls.js'),
  sharing: 'ask', notice: { text: 'Share?' }, iceServers: ['stun:stun.example.org']
}
const player = await attach(video, 'https://live.example.org/live/show/master.m3u8', options)
const off: () => void = player.on('state', (state: State) => { video.dataset.state = state })
player.on('segment', ({ fromPeers, bytes }) => fromPeers / bytes)
off()
player.setSharing(true)
await Promise.all([player.destroy(), p2p.destroy()])
window.liveTorrent?.players.map(player => player.mode)

// @ts-expect-error: an option's name that is not one
createP2PLoader(Hls, { maxPears: 8 })
// @ts-expect-error: a mode that is not one
attach(video, 'master.m3u8', { mode: 'udp' })
// @ts-expect-error: an event that is not one
player.on('stall', () => {})
// @ts-expect-error: no state of a player
player.on('state', state => state === 'paused')
// @ts-expect-error: statistics are read, not written
p2p.stats().segments.length.toUpperCase()
// @ts-expect-error: where the class belongs
createP2PLoader('hls.js')
export { hls, offload, sharing }
"""


@pytest.fixture(scope="module")
def unpacked(npm_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tarball")
    with tarfile.open(npm_package) as tarball:
        tarball.extractall(folder, filter="data")
    return folder / "package"


def texts(folder: Path) -> dict[str, str]:
    return {f.relative_to(folder).as_posix(): f.read_text() for f in folder.rglob("*") if f.is_file()}


def test_the_tarball_holds_the_module_its_types_its_papers_and_nothing_else(unpacked: Path) -> None:
    names = set(texts(unpacked))
    papers = {"package.json", "README.md", "LICENSE", "THIRD-PARTY.txt"}
    assert names >= {*papers, "dist/index.js", "dist/index.js.map", "dist/index.d.ts", "dist/types.d.ts"}
    chunks = {re.sub(r"-[A-Z0-9]{8}\.", ".", name) for name in names if re.search(r"-[A-Z0-9]{8}\.", name)}
    assert chunks == {f"dist/{name}.js{end}" for name in ("swarm", "chunk", "notice") for end in ("", ".map")}
    for name in names - papers:
        assert re.fullmatch(r"dist/[\w-]+(\.d\.ts|\.js|\.js\.map)", name), name


def test_its_description_is_of_this_version_and_asks_for_hls_js_of_the_page(unpacked: Path) -> None:
    package = json.loads((unpacked / "package.json").read_text())
    assert package["name"] == "live-torrent"
    assert package["version"] == seeder.__version__
    assert (package["type"], package["sideEffects"], package["license"]) == ("module", False, "MIT")
    assert package["peerDependencies"].keys() == package["peerDependenciesMeta"].keys() == {"hls.js"}
    assert not {"dependencies", "scripts", "bin"} & package.keys()
    for path in (".", "./loader"):
        for file in package["exports"][path].values():
            assert (unpacked / file).is_file()


def test_hls_js_is_not_inside_and_webtorrent_is_with_its_licence(unpacked: Path) -> None:
    scripts = {name: text for name, text in texts(unpacked).items() if name.endswith(".js")}
    assert not any("hlsFragLoaded" in text for text in scripts.values())
    assert [text.count('import("hls.js")') for text in scripts.values() if "hls.js" in text] == [1]
    notices = (unpacked / "THIRD-PARTY.txt").read_text()
    assert "\nwebtorrent 3." in notices
    assert "\nhls.js" not in notices


def test_every_import_is_of_a_file_beside_it_wherever_that_is_put(unpacked: Path) -> None:
    for name, text in texts(unpacked).items():
        if name.endswith(".js"):
            for specifier in re.findall(r'\b(?:from"|import\(?")([^"]+)"', text):
                if specifier != "hls.js":
                    assert specifier.startswith("./"), (name, specifier)
                    assert (unpacked / "dist" / specifier).is_file(), (name, specifier)


def test_nothing_tells_of_the_machine_it_was_made_on(unpacked: Path) -> None:
    for name, text in texts(unpacked).items():
        assert str(npm.ROOT) not in text, name
        assert str(Path.home()) not in text or Path.home() == Path("/"), name
        if name.endswith(".map"):
            assert all(source.startswith("live-torrent:///") for source in json.loads(text)["sources"])


def test_it_can_be_imported_where_there_is_no_browser(npm_package: Path, tmp_path: Path) -> None:
    """Frameworks render pages on servers, with the same imports."""
    npm.install(npm_package, tmp_path / "app", None)
    script = "import('live-torrent').then(names => console.log(Object.keys(names).join()))"
    assert npm.run(npm.BIN / "node", "-e", script, cwd=tmp_path / "app") == "attach,createP2PLoader\n"


def test_the_loaders_alone_are_bundled_without_any_hls_js(npm_package: Path, tmp_path: Path) -> None:
    """It comes from a script tag there."""
    app = tmp_path / "app"
    npm.install(npm_package, app, None)
    (app / "main.js").write_text("import { createP2PLoader as p2p } from 'live-torrent/loader'; p2p(Hls)")
    npm.bundle(app, "main.js")
    built = [file.read_text() for file in (app / "built").glob("*.js")]
    assert any("fpsController" in text for text in built)
    assert not any('import("hls.js")' in text for text in built)


@pytest.mark.parametrize(("hls", "module"), [("1.5", "esnext"), ("1.6", "nodenext"), ("1.7", "esnext")])
def test_a_strict_typescript_consumer_compiles_against_it(
    npm_package: Path, tmp_path: Path, hls: str, module: str
) -> None:
    app = tmp_path / "app"
    npm.install(npm_package, app, hls)
    (app / "main.ts").write_text(CONSUMER)
    resolution = "nodenext" if module == "nodenext" else "bundler"
    options = STRICT | {"module": module, "moduleResolution": resolution}
    (app / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["main.ts"]}))
    npm.run(npm.BIN / "node", npm.MODULES / "typescript/bin/tsc", cwd=app)
