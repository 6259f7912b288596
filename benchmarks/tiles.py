"""Map tiles from our endpoint, with its permission check, beside TiTiler on the same files under the same load.

A scene of 10,240 x 10,240 px in UTM is ingested, and gets its display copy. Both servers, with as many worker
processes each, are asked for the same tiles by as many connections: first with the files dropped from the
page cache (cold), then again (warm). What counts is the processor time of the servers' processes
a tile, as other work on the machine hardly changes it.

- default display: both serve WebP from the display copy, which is made for such tiles;
- default display from the scene: TiTiler alone, without anybody having made a display copy;
- rendered: false colour from the scene, which both have to draw.

`--quick` takes 2,560 px and fewer tiles. The last line is flat JSON. It needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
django.setup()

import numpy as np  # noqa: E402
import psutil  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from annotator.domain.display_copies import make_display_copy  # noqa: E402
from annotator.domain.ingest import ingest  # noqa: E402
from annotator.domain.projects import ClassSpec, create_project  # noqa: E402
from annotator.domain.scenes import add_scene  # noqa: E402
from annotator.imagery.bands import infrared_bands  # noqa: E402
from annotator.imagery.composites import INFRARED, render_composite  # noqa: E402
from annotator.imagery.display_blocks import block_of  # noqa: E402
from annotator.imagery.grid import QUAD, native_zoom  # noqa: E402
from annotator.imagery.inspect import propose_stretch  # noqa: E402
from annotator.imagery.rendering import tile_stamp  # noqa: E402
from annotator.models import Scene  # noqa: E402
from benchmarks._pictures import mean_difference, write_scene  # noqa: E402

# So many levels above the native one are asked for; the display copies of both sizes have them.
_LEVELS_ABOVE = 3


@dataclass(frozen=True)
class Size:
    side_px: int
    tiles: int
    warm_rounds: int
    workers: int = 2
    connections: int = 4


FULL = Size(side_px=10_240, tiles=240, warm_rounds=3)
QUICK = Size(side_px=2_560, tiles=60, warm_rounds=2)

Tile = tuple[int, int, int]
Address = Callable[[Tile], str]


@dataclass
class Server:
    """A server under load: its port, its processes, and what it was measured to take."""

    process: psutil.Process
    port: int
    headers: dict[str, str]

    def cpu_seconds(self) -> float:
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(one.cpu_times()[:2]) for one in family)


@dataclass(frozen=True)
class Measured:
    cpu_ms: float
    latencies_ms: list[float]
    mean_bytes: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    size = QUICK if parser.parse_args().quick else FULL
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        scene, copy_seconds = _make_scene(Path(folder), size)
        print(json.dumps(_compare(scene, size) | {"side_px": size.side_px, "copy_cpu_seconds": copy_seconds}))


def _make_scene(folder: Path, size: Size) -> tuple[Scene, float]:
    """The scene with its display copy, and the processor time that making the copy took."""
    settings.SCENE_FOLDERS = [folder]
    write_scene(folder / "scene.tif", size.side_px)
    lead = User.objects.create(username="lead")
    legend = (ClassSpec(0, "other", "#8c8c8c"), ClassSpec(1, "field", "#e69f00"))
    project = create_project(user=lead, name="Benchmark", legend=legend)
    scene = add_scene(project=project, user=lead, source=str(folder / "scene.tif"))
    ingest(scene.pk)
    started = time.process_time()
    make_display_copy(scene.display_copies.get().pk)
    seconds = round(time.process_time() - started, 1)
    scene.refresh_from_db()
    if scene.display_copy_stamp != tile_stamp(scene):
        raise SystemExit(f"No display copy was made: {scene.message or scene.display_copies.get().message}")
    return scene, seconds


def _compare(scene: Scene, size: Size) -> dict[str, float | int]:
    tiles = _tiles(scene, size.tiles)
    infrared = infrared_bands(scene.band_names)
    assert infrared is not None, "the scene was made with near infrared"
    stretch = propose_stretch(scene.cog_path, list(infrared))
    shown = "".join(f"&bidx={b}" for b in infrared) + "".join(f"&rescale={a},{z}" for a, z in stretch)
    natural = "".join(f"&bidx={b}" for b in scene.display_bands) + "".join(
        f"&rescale={a},{z}" for a, z in scene.stretch
    )
    ours, stamp = f"/tiles/scenes/{scene.pk}", tile_stamp(scene)
    cases: dict[str, tuple[Address, Address]] = {
        "": (
            lambda tile: f"{ours}/{_path(tile)}?v={stamp}",
            lambda tile: _titiler(scene.display_copy_path, tile, ""),
        ),
        "_rendered": (
            lambda tile: f"{ours}/{_path(tile)}?v={stamp}&composite=infrared",
            lambda tile: _titiler(scene.cog_path, tile, shown),
        ),
    }
    files = (scene.cog_path, scene.display_copy_path)
    found: dict[str, float | int] = {"workers": size.workers, "connections": size.connections}
    with _our_server(scene, size) as we, _peer_server(size) as peer:
        for name, (our_address, peer_address) in cases.items():
            found |= _measure_case(name, files, tiles, (we, our_address), (peer, peer_address), size)
            if not name:
                from_scene = _ask_all(
                    peer, [_titiler(scene.cog_path, tile, natural) for tile in tiles], size.connections
                )
                found["cpu_ms_peer_from_scene"] = round(from_scene.cpu_ms, 3)
                found["cpu_ms_null"] = round(_null_ms(we, our_address, tiles, size), 3)
    bare = _bare_ms(lambda tile: block_of(scene.display_copy_path, *tile), tiles)
    found["bare_read_ms"] = round(bare, 3)
    bare = _bare_ms(lambda tile: render_composite(scene, INFRARED, *tile), tiles)
    found["bare_read_and_encode_ms"] = round(bare, 3)
    found["rendered_to_bare"] = round(found["cpu_ms_ours_rendered"] / bare, 2)
    found["default_to_null"] = round(found["cpu_ms_ours"] / found["cpu_ms_null"], 2)
    found["ratio_from_scene"] = round(found["cpu_ms_peer_from_scene"] / found["cpu_ms_ours"], 1)
    return found


def _measure_case(
    name: str,
    files: tuple[Path, ...],
    tiles: list[Tile],
    ours: tuple[Server, Address],
    peer: tuple[Server, Address],
    size: Size,
) -> dict[str, float | int]:
    sides = {"ours": ours, "peer": peer}
    urls = {side: [address(tile) for tile in tiles] for side, (_, address) in sides.items()}
    cold = {}
    for side, (server, _) in sides.items():
        # What a process does at its first request is done once in its life.
        _ask_all(server, urls[side][:1] * 8 * size.workers, size.connections)
        _drop_from_page_cache(files)
        cold[side] = _ask_all(server, urls[side], size.connections)
    warm: dict[str, list[Measured]] = {"ours": [], "peer": []}
    for side, (server, _) in sides.items():
        for _ in range(size.warm_rounds):
            warm[side].append(_ask_all(server, urls[side], size.connections))
    found: dict[str, float | int] = {}
    for side in sides:
        found[f"cpu_ms_{side}{name}"] = round(float(np.mean([one.cpu_ms for one in warm[side]])), 3)
        found[f"cpu_ms_{side}{name}_cold"] = round(cold[side].cpu_ms, 3)
        latencies = [ms for one in warm[side] for ms in one.latencies_ms]
        found[f"p50_ms_{side}{name}"] = round(float(np.percentile(latencies, 50)), 2)
        found[f"p99_ms_{side}{name}"] = round(float(np.percentile(latencies, 99)), 2)
        found[f"bytes_{side}{name}"] = round(warm[side][0].mean_bytes)
    ratio = "ratio_rendered" if name else "ratio_warm"
    found[ratio] = round(found[f"cpu_ms_peer{name}"] / found[f"cpu_ms_ours{name}"], 1)
    cold_ratio = f"ratio{name}_cold"
    found[cold_ratio] = round(cold["peer"].cpu_ms / cold["ours"].cpu_ms, 1)
    some = tiles[:: max(1, len(tiles) // 20)]
    pairs = [(_ask(ours[0], ours[1](tile)), _ask(peer[0], peer[1](tile))) for tile in some]
    found[f"grey_levels_apart{name}"] = round(float(np.mean([mean_difference(a, b) for a, b in pairs])), 2)
    return found


def _tiles(scene: Scene, count: int) -> list[Tile]:
    """Tiles in the scene as a map asks for them: most at the native zoom, some at the levels above."""
    assert scene.footprint is not None, "the scene is ready"
    assert scene.gsd_m is not None, "the scene is ready"
    west, south, east, north = scene.footprint.extent
    chance = random.Random(1)
    native = native_zoom(scene.gsd_m, (south + north) / 2)
    margin = (east - west) * 0.1
    found = []
    for _ in range(count):
        z = native - min(_LEVELS_ABOVE, int(chance.expovariate(1.2)))
        lon = chance.uniform(west + margin, east - margin)
        lat = chance.uniform(south + margin, north - margin)
        tile = QUAD.tile(lon, lat, z)
        found.append((tile.x, tile.y, z))
    return found


def _path(tile: Tile) -> str:
    x, y, z = tile
    return f"{z}/{x}/{y}"


def _titiler(path: Path, tile: Tile, options: str) -> str:
    return f"/cog/tiles/WebMercatorQuad/{_path(tile)}.webp?url={quote(str(path))}{options}"


@contextmanager
def _our_server(scene: Scene, size: Size) -> Iterator[Server]:
    browser = Client()
    browser.force_login(scene.project.created_by)
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    port = _free_port()
    command = ["gunicorn", "annotator.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    command += [
        "--workers",
        str(size.workers),
        "--threads",
        "4",
        "--no-control-socket",
        "--log-level",
        "error",
    ]
    env = {"DEBUG": "0", "SECRET_KEY": settings.SECRET_KEY, "ALLOWED_HOSTS": "127.0.0.1"}
    with _server(command, env, port, {"Cookie": cookie}) as server:
        yield server


@contextmanager
def _peer_server(size: Size) -> Iterator[Server]:
    port = _free_port()
    command = ["uvicorn", "benchmarks.peers.titiler_app:app", "--port", str(port)]
    command += ["--workers", str(size.workers), "--no-access-log", "--log-level", "error"]
    # What its documentation asks for in production.
    env = {"GDAL_CACHEMAX": "200", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "VSI_CACHE": "TRUE"}
    with _server(command, env, port, {}) as server:
        yield server


@contextmanager
def _server(command: list[str], env: dict[str, str], port: int, headers: dict[str, str]) -> Iterator[Server]:
    process = subprocess.Popen([sys.executable, "-m", *command], env=os.environ | env)
    try:
        _wait_for(port, process)
        yield Server(psutil.Process(process.pid), port, headers)
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"{process.args} ended by itself; install the extra: pip install -e '.[bench]'.")
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"{process.args} does not answer.")


def _drop_from_page_cache(files: tuple[Path, ...]) -> None:
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _ask_all(
    server: Server, urls: list[str], connections: int, extra: dict[str, str] | None = None
) -> Measured:
    """Each connection asks for its share, one tile after the other."""

    def work(place: int) -> list[tuple[float, int]]:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        done = []
        for url in urls[place::connections]:
            started = time.perf_counter()
            connection.request("GET", url, headers=server.headers | (extra or {}))
            response = connection.getresponse()
            body = response.read()
            if response.status not in (200, 304):
                raise SystemExit(f"{url} answered {response.status}: {body[:300]!r}")
            done.append(((time.perf_counter() - started) * 1000, len(body)))
        connection.close()
        return done

    before = server.cpu_seconds()
    with ThreadPoolExecutor(connections) as pool:
        rows = [row for rows in pool.map(work, range(connections)) for row in rows]
    cpu_ms = (server.cpu_seconds() - before) / len(urls) * 1000
    return Measured(cpu_ms, [ms for ms, _ in rows], float(np.mean([length for _, length in rows])))


def _ask(server: Server, url: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", url, headers=server.headers)
    body = connection.getresponse().read()
    connection.close()
    return body


def _null_ms(server: Server, address: Address, tiles: list[Tile], size: Size) -> float:
    """A tile that the client has already: all that a request costs but the tile."""
    any_tag = {"If-None-Match": "*"}
    urls = [address(tile) for tile in tiles] * size.warm_rounds
    return _ask_all(server, urls, size.connections, any_tag).cpu_ms


def _bare_ms(work: Callable[[Tile], object], tiles: list[Tile]) -> float:
    for tile in tiles:
        work(tile)
    started = time.process_time()
    for tile in tiles:
        work(tile)
    return (time.process_time() - started) / len(tiles) * 1000


if __name__ == "__main__":
    main()
