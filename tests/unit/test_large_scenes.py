"""A scene of 20 GB is read and drawn in a fraction of its memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import rasterio
from affine import Affine
from rasterio.windows import Window

from tests.rasters import EAST_M, NORTH_M, random_values

SIDE_PX = 82_000
LIMIT_BYTES = 2 * 2**30
MIDDLE = 40_960

# In a process of its own, as the limit holds until a process ends.
_PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
import django
django.setup()
from pathlib import Path
from annotator.imagery.rendering import picture_of, stretch_paint
from annotator.imagery.tiles import read_tile
path, (x, y, z) = Path(sys.argv[1]), map(int, sys.argv[2:])
look = dict(display_bands=(1, 2, 3), stretch=((0, 255),) * 3)
assert read_tile(path, x, y, z, **look).rgb.std() > 20
assert picture_of(path, x, y, z, bands=(1, 2, 3), paint=stretch_paint(look["stretch"])) is not None
"""


def test_20_gigabytes_are_read_and_drawn_within_2(tmp_path: Path) -> None:
    from annotator.imagery.grid import QUAD

    path = tmp_path / "large.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=SIDE_PX, height=SIDE_PX, count=3, dtype="uint8", crs="EPSG:32643",
        transform=Affine(0.5, 0, EAST_M, 0, -0.5, NORTH_M), tiled=True, blockxsize=256, blockysize=256,
        sparse_ok=True, bigtiff="YES", nodata=0,
    ) as dataset:  # fmt: skip
        assert dataset.width * dataset.height * dataset.count > 20e9
        dataset.write(random_values(3, 1024, 1024), window=Window(MIDDLE, MIDDLE, 1024, 1024))
        lon, lat = rasterio.warp.transform(
            dataset.crs, 4326, *([c] for c in dataset.xy(MIDDLE + 512, MIDDLE + 512))
        )
    tile = QUAD.tile(lon[0], lat[0], 18)
    subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(limit=LIMIT_BYTES), str(path), *map(str, tile)],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "annotator.settings", "OPENBLAS_NUM_THREADS": "1"},
        check=True,
    )
