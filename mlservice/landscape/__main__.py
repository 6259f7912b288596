"""Write a landscape and its truth: ``python -m mlservice.landscape OUT.tif TRUTH.tif --seed 7``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mlservice.landscape import write_landscape_scene


def main() -> None:
    """Read the command line and write the two files."""
    parser = argparse.ArgumentParser(prog="python -m mlservice.landscape", description=__doc__)
    parser.add_argument("image", type=Path, help="where the image goes, a GeoTIFF")
    parser.add_argument("truth", type=Path, help="where the class of every pixel goes, a GeoTIFF")
    parser.add_argument("--seed", type=int, default=7, help="which landscape (default %(default)s)")
    parser.add_argument("--size", type=int, default=4096, help="side in pixels (default %(default)s)")
    parser.add_argument("--gsd", type=float, default=1.0, help="metres a pixel (default %(default)s)")
    parser.add_argument("--sensor-gsd", type=float, help="metres a sensor pixel (default: as --gsd)")
    parser.add_argument("--region", choices=("a", "b"), default="a", help="default %(default)s")
    given = parser.parse_args()
    write_landscape_scene(
        given.image,
        given.truth,
        seed=given.seed,
        size_px=given.size,
        gsd_m=given.gsd,
        sensor_gsd_m=given.sensor_gsd,
        region=given.region,
    )


if __name__ == "__main__":
    main()
