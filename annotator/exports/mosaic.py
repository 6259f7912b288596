"""All masks as one Cloud-Optimized GeoTIFF, in the patches' own grid or in that of a scene."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from xml.sax.saxutils import quoteattr

import numpy as np
import rasterio
from pyproj import Transformer
from rasterio.shutil import copy as copy_raster
from rasterio.transform import Affine

from annotator.errors import BadExport
from annotator.exports.contents import ApprovedPatch, Contents, Mask, Member, Part, common_members
from annotator.exports.pixels import (
    COMPRESSION,
    GTIFF,
    MERCATOR,
    OUTSIDE,
    category_names,
    colors,
    legend_csv,
    patch_transform,
)
from annotator.imagery.grid import QUAD, TILE_PX
from annotator.models import Scene

STRIP_PX = 256
CHUNK_PX = 4096
# More than there are in a row at any zoom.
TILES_ACROSS = 2**32
MAX_PIXELS = 2_500_000_000
# A box's edge is followed so closely into a scene's CRS that what it bends between two points is below a pixel.
EDGE_POINTS = 257
MOSAIC = "labels.tif"
GRID_OF_PATCHES = "patches"


class Place(Protocol):
    """A tile of the patches' zoom."""

    @property
    def z(self) -> int: ...
    @property
    def x(self) -> int: ...
    @property
    def y(self) -> int: ...


@dataclass(frozen=True)
class Grid:
    """A mosaic's pixels: where they lie, and how many rows and columns there are.

    ``shift_m``: how far east and north of there, in metres of Web Mercator, the land is that they show.
    """

    crs: str
    transform: Affine
    rows: int
    cols: int
    shift_m: tuple[float, float] = (0.0, 0.0)

    @property
    def strips(self) -> int:
        return -(-self.rows // STRIP_PX)


class Mosaic:
    """``grid`` is ``patches`` for EPSG:3857 and the masks' own pixels, or the id of a scene for its CRS and grid.

    In a scene's grid a pixel has the value of the mask's pixel that its centre lies in. It is the whole scene's, or
    with a ``bbox`` cut to the patches that meet that.
    """

    options = {"grid": GRID_OF_PATCHES}

    def parts(self, contents: Contents) -> Iterator[Part]:
        grid = grid_of(contents)
        counts = _patches_by_strip(contents, grid)
        for strip in range(grid.strips):
            yield Part(f"strip-{strip:06d}.tif", counts[strip], partial(_write_strip, contents, grid, strip))
        yield Part(MOSAIC, 0, partial(_write_mosaic, contents, grid))

    def members(self, contents: Contents, work: Path) -> Iterator[Member]:
        yield Member(MOSAIC, work / MOSAIC)
        yield Member(f"{MOSAIC}.aux.xml", [category_names(contents.legend)])
        yield Member("legend.csv", [legend_csv(contents)])
        yield from common_members(contents)


def grid_of(contents: Contents) -> Grid:
    return settled_grid(contents.patches, contents.scene, is_cut=contents.parameters["bbox"] is not None)


def settled_grid(patches: Sequence[Place], scene: Scene | None, *, is_cut: bool) -> Grid:
    """The mosaic's grid: the patches' own, or that of the scene, all of it unless it is cut to the patches.

    Raises BadExport where no patch lies on the scene, or where there are too many pixels.
    """
    around = _patch_grid(patches)
    grid = around if scene is None else _scene_grid(scene, around, is_cut=is_cut)
    if grid.rows * grid.cols > MAX_PIXELS:
        raise BadExport(
            f"The mosaic would have {grid.cols:,} x {grid.rows:,} px; at most {MAX_PIXELS:,} are written. Name a "
            "smaller area with the parameter bbox, or export PNG chips, which leave out what lies between patches.",
            field="bbox",
        )
    return grid


def _scene_grid(scene: Scene, around: Grid, *, is_cut: bool) -> Grid:
    """The scene's grid, or of it the whole pixels that the patches reach."""
    with rasterio.open(scene.cog_path) as dataset:
        east_m, north_m = scene.shift_m
        whole = Grid(
            dataset.crs.to_wkt(), dataset.transform, dataset.height, dataset.width, (east_m, north_m)
        )
    left, top, right, bottom = _reached(whole, around)
    if left >= right or top >= bottom:
        raise BadExport(
            f"No approved patch there lies on {scene.name}. Name a scene that shows them, or “{GRID_OF_PATCHES}”.",
            field="grid",
        )
    if not is_cut:
        return whole
    transform = whole.transform @ Affine.translation(left, top)
    return replace(whole, transform=transform, rows=bottom - top, cols=right - left)


def _reached(whole: Grid, around: Grid) -> tuple[int, int, int, int]:
    """First column and row, and those behind the last, of the pixels within the box around the patches."""
    steps = np.linspace(0, 1, EDGE_POINTS)
    ends, sides = np.array([[0.0], [1.0]]), np.broadcast_to(steps, (2, EDGE_POINTS))
    across = np.concatenate([sides, np.broadcast_to(ends, sides.shape)]).ravel() * around.cols
    down = np.concatenate([np.broadcast_to(ends, sides.shape), sides]).ravel() * around.rows
    x, y = around.transform * (across, down)
    to_scene = Transformer.from_crs(MERCATOR, whole.crs, always_xy=True)
    corners = np.stack(~whole.transform * to_scene.transform(x - whole.shift_m[0], y - whole.shift_m[1]))
    corners = corners[:, np.isfinite(corners).all(0)]
    if not corners.size:
        return 0, 0, 0, 0
    size = np.array([whole.cols, whole.rows])
    left, top = np.clip(np.floor(corners.min(1)), 0, size).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(1)), 0, size).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _patch_grid(patches: Sequence[Place]) -> Grid:
    columns, rows = zip(*((patch.x, patch.y) for patch in patches), strict=True)
    west, _, east, north = QUAD.xy_bounds(min(columns), min(rows), patches[0].z)
    size_m = (east - west) / TILE_PX
    return Grid(
        MERCATOR,
        Affine(size_m, 0, west, 0, -size_m, north),
        (max(rows) - min(rows) + 1) * TILE_PX,
        (max(columns) - min(columns) + 1) * TILE_PX,
    )


def _patches_by_strip(contents: Contents, grid: Grid) -> list[int]:
    """How many patches are done with each strip: those whose lower edge lies in it, for a number that only grows."""
    to_grid = Transformer.from_crs(MERCATOR, grid.crs, always_xy=True)
    lower = [patch_transform(patch) * (TILE_PX / 2, TILE_PX - 0.5) for patch in contents.patches]
    x, y = to_grid.transform(*np.array(lower).T)
    _, rows = ~grid.transform * (x, y)
    strips = np.clip(np.nan_to_num(rows) // STRIP_PX, 0, grid.strips - 1).astype(int)
    return [int(count) for count in np.bincount(strips, minlength=grid.strips)]


def _write_strip(contents: Contents, grid: Grid, strip: int, path: Path) -> None:
    top = strip * STRIP_PX
    rows = min(STRIP_PX, grid.rows - top)
    values = _values(contents, grid, top, rows)
    profile = {**GTIFF, **COMPRESSION, "height": rows, "width": grid.cols, "sparse_ok": True}
    transform = grid.transform @ Affine.translation(0, top)
    with rasterio.open(path, "w", crs=grid.crs, transform=transform, nodata=OUTSIDE, **profile) as dataset:
        dataset.write(values, 1)


def _values(contents: Contents, grid: Grid, top: int, rows: int) -> Mask:
    """The mosaic's rows from ``top`` on."""
    to_mercator = Transformer.from_crs(grid.crs, MERCATOR, always_xy=True)
    origin = patch_transform(contents.patches[0])
    corner = np.array([contents.patches[0].x, contents.patches[0].y]) * TILE_PX
    by_place = {(patch.x, patch.y): patch for patch in contents.patches}
    values = np.full((rows, grid.cols), OUTSIDE, np.uint8)
    for left in range(0, grid.cols, CHUNK_PX):
        cols = np.arange(left, min(left + CHUNK_PX, grid.cols)) + 0.5
        x, y = grid.transform * tuple(np.meshgrid(cols, np.arange(top, top + rows) + 0.5))
        if grid.crs != MERCATOR:
            x, y = to_mercator.transform(x, y)
            x, y = x + grid.shift_m[0], y + grid.shift_m[1]
        # Counted from the world's corner, in pixels of the patches' zoom.
        pixel = np.stack(~origin * (x, y))
        col, row = np.floor(np.nan_to_num(pixel, posinf=-1e12)).astype(np.int64) + corner[:, None, None]
        _fill(contents, by_place, values[:, left : left + len(cols)], col, row)
    return values


def _fill(
    contents: Contents,
    by_place: dict[tuple[int, int], ApprovedPatch],
    values: Mask,
    col: np.ndarray[Any, np.dtype[np.int64]],
    row: np.ndarray[Any, np.dtype[np.int64]],
) -> None:
    # One number a tile, as pairs take far longer to sort.
    tile = (row // TILE_PX) * TILES_ACROSS + col // TILE_PX
    places = [divmod(int(number), TILES_ACROSS) for number in np.unique(tile)]
    wanted = [by_place[x, y] for y, x in places if (x, y) in by_place]
    for patch, mask in zip(wanted, contents.read_masks(wanted), strict=True):
        here = tile == patch.y * TILES_ACROSS + patch.x
        values[here] = mask[row[here] % TILE_PX, col[here] % TILE_PX]


def _write_mosaic(contents: Contents, grid: Grid, path: Path) -> None:
    """The strips beside each other, by way of a virtual raster that names them."""
    virtual = path.with_name("strips.vrt")
    virtual.write_text(_vrt(contents, grid), "utf-8")
    copy_raster(
        virtual,
        path,
        driver="COG",
        COMPRESS="DEFLATE",
        LEVEL=6,
        BLOCKSIZE=TILE_PX,
        OVERVIEW_RESAMPLING="MODE",
        BIGTIFF="IF_SAFER",
        SPARSE_OK=True,
        NUM_THREADS=1,
    )


def _vrt(contents: Contents, grid: Grid) -> str:
    colour_table = dict.fromkeys(range(256), (0, 0, 0, 255)) | colors(contents.legend)
    entries = "".join(
        '<Entry c1="{}" c2="{}" c3="{}" c4="{}"/>'.format(*colour_table[value]) for value in range(256)
    )
    strips = "".join(_vrt_source(grid, strip) for strip in range(grid.strips))
    transform = ", ".join(repr(value) for value in grid.transform.to_gdal())
    crs = rasterio.crs.CRS.from_user_input(grid.crs).to_wkt()
    return (
        f'<VRTDataset rasterXSize="{grid.cols}" rasterYSize="{grid.rows}"><SRS>{quoteattr(crs)[1:-1]}</SRS>'
        f'<GeoTransform>{transform}</GeoTransform><VRTRasterBand dataType="Byte" band="1">'
        f"<NoDataValue>{OUTSIDE}</NoDataValue><ColorInterp>Palette</ColorInterp>"
        f"<ColorTable>{entries}</ColorTable>{strips}</VRTRasterBand></VRTDataset>"
    )


def _vrt_source(grid: Grid, strip: int) -> str:
    top = strip * STRIP_PX
    size = f'xSize="{grid.cols}" ySize="{min(STRIP_PX, grid.rows - top)}"'
    return (
        f'<SimpleSource><SourceFilename relativeToVRT="1">strip-{strip:06d}.tif</SourceFilename>'
        f'<SourceBand>1</SourceBand><SrcRect xOff="0" yOff="0" {size}/>'
        f'<DstRect xOff="0" yOff="{top}" {size}/></SimpleSource>'
    )
