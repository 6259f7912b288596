"""The one grid that patches, map tiles, model inputs and masks share: the WebMercatorQuad tiles."""

from __future__ import annotations

import math
from functools import lru_cache

import morecantile
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon, Polygon
from morecantile import Tile

from annotator.errors import BadProject

QUAD = morecantile.tms.get("WebMercatorQuad")
TILE_PX = 256
MAX_PATCHES = 200_000
MIN_PATCH_ZOOM, MAX_PATCH_ZOOM = 8, 22

# A few dozen smallholder fields: about 36 of half a hectare.
_WANTED_PATCH_SIDE_M = math.sqrt(36 * 5_000)
_MAX_LEVELS_BELOW_NATIVE = 2
_EARTH_RADIUS_M = 6_378_137
_WORLD_SIDE_M = 2 * math.pi * _EARTH_RADIUS_M
_MERCATOR_LATITUDE_DEG = 85.0511


def quadkey(x: int, y: int, z: int) -> str:
    """The tile's stable key: one digit of 0-3 a level, so that a descendant's key begins with its ancestor's.

    Raises ValueError for a tile that does not exist.
    """
    return str(QUAD.quadkey(_existing(x, y, z)))


def tile_of(key: str) -> tuple[int, int, int]:
    """``(x, y, z)`` of a quadkey. Raises ValueError for what is none."""
    if not key or set(key) - set("0123"):
        raise ValueError(f"{key!r} is no quadkey.")
    tile = QUAD.quadkey_to_tile(key)
    return tile.x, tile.y, tile.z


def square(x: int, y: int, z: int) -> Polygon:
    """The tile's square in Web Mercator metres (EPSG:3857)."""
    west, south, east, north = QUAD.xy_bounds(_existing(x, y, z))
    polygon = Polygon.from_bbox((west, south, east, north))
    polygon.srid = 3857
    return polygon


# Pages list hundreds of coarse tiles, the same ones again and again.
@lru_cache(4096)
def lonlat_bounds(x: int, y: int, z: int) -> tuple[float, float, float, float]:
    """West, south, east, north of the tile in degrees (EPSG:4326)."""
    west, south, east, north = QUAD.xy_bounds(_existing(x, y, z))
    return *_lonlat(west, south), *_lonlat(east, north)


def _lonlat(x_m: float, y_m: float) -> tuple[float, float]:
    """The inverse of the spherical Mercator projection (IOGP Guidance Note 7-2, "Popular Visualisation").

    A library's transformer takes a quarter of a millisecond for a tile, and lists have hundreds of them.
    """
    latitude = 2 * math.atan(math.exp(y_m / _EARTH_RADIUS_M)) - math.pi / 2
    return math.degrees(x_m / _EARTH_RADIUS_M), math.degrees(latitude)


def context_tile(x: int, y: int, z: int, levels_up: int) -> tuple[int, int, int]:
    """``(x, y, z)`` of the ancestor ``levels_up`` levels above; the tile itself for 0."""
    if not 0 <= levels_up <= z:
        raise ValueError(f"a tile of zoom {z} has no ancestor {levels_up} levels up")
    _existing(x, y, z)
    return x >> levels_up, y >> levels_up, z - levels_up


def ground_resolution_m(zoom: int, latitude_deg: float) -> float:
    """True metres on the ground along the side of a tile's pixel at that latitude."""
    return _WORLD_SIDE_M * math.cos(math.radians(latitude_deg)) / TILE_PX / 2.0**zoom


def mercator_per_metre(latitude_deg: float) -> float:
    """Metres of Web Mercator in a metre on the ground at that latitude."""
    return 1 / math.cos(math.radians(latitude_deg))


def moved_geometry(area: MultiPolygon, east_m: float, north_m: float) -> MultiPolygon:
    """The area, in EPSG:4326, moved by metres of Web Mercator."""
    flat = area.transform(3857, clone=True)
    moved = MultiPolygon(
        [
            Polygon(*([(x + east_m, y + north_m) for x, y, *_ in ring] for ring in polygon.coords))
            for polygon in flat
        ],
        srid=3857,
    )
    moved.transform(4326)
    return moved


def native_zoom(gsd_m: float, latitude_deg: float) -> int:
    """The zoom whose pixels come closest to the scene's ground sampling distance."""
    return max(0, round(math.log2(ground_resolution_m(0, latitude_deg) / gsd_m)))


def propose_patch_zoom(gsd_m: float, latitude_deg: float) -> int:
    """The zoom at which a patch holds a few dozen smallholder fields.

    It is never shallower than the scene's native zoom, which would throw pixels away, and at most two levels
    deeper, where there would be nothing but interpolation to look at.
    """
    native = native_zoom(gsd_m, latitude_deg)
    patch_side_at_zoom_0_m = ground_resolution_m(0, latitude_deg) * TILE_PX
    wanted = round(math.log2(patch_side_at_zoom_0_m / _WANTED_PATCH_SIDE_M))
    zoom = min(max(wanted, native), native + _MAX_LEVELS_BELOW_NATIVE)
    return min(max(zoom, MIN_PATCH_ZOOM), MAX_PATCH_ZOOM)


def patches_inside(area: GEOSGeometry, zoom: int, *, limit: int = MAX_PATCHES) -> list[tuple[int, int]]:
    """``(x, y)`` of the tiles of that zoom which share real area with a geometry in EPSG:4326.

    They come in the order of their quadkeys. A tile that is met by less than a pixel's area is left out, so
    that rounding along a shared edge makes no patches. Raises BadProject when there are more than ``limit``.
    """
    flat = _in_mercator(area)
    found: list[tuple[int, int]] = []
    prepared = flat.prepared
    # Depth first: a tile that lies inside the area stands for all its descendants without looking at them.
    open_tiles = [] if flat.empty else [(0, 0, 0)]
    while open_tiles:
        x, y, z = open_tiles.pop()
        box = square(x, y, z)
        if not prepared.intersects(box):
            continue
        if prepared.contains(box):
            if len(found) + 4 ** (zoom - z) > limit:
                raise _too_many(zoom, limit)
            found.extend(_descendants(x, y, zoom - z))
        elif z < zoom:
            # Pushed backwards, so that the north-west child is looked at first, as quadkeys are ordered.
            open_tiles.extend((2 * x + dx, 2 * y + dy, z + 1) for dy in (1, 0) for dx in (1, 0))
        elif flat.intersection(box).area * TILE_PX**2 >= box.area:
            found.append((x, y))
        if len(found) > limit:
            raise _too_many(zoom, limit)
    return found


def _existing(x: int, y: int, z: int) -> Tile:
    if z < 0 or not (0 <= x < 2**z and 0 <= y < 2**z):
        raise ValueError(f"there is no tile x={x} y={y} z={z}")
    return Tile(x, y, z)


def _in_mercator(area: GEOSGeometry) -> GEOSGeometry:
    if area.srid not in (None, 4326):
        raise ValueError(f"the area is in EPSG:{area.srid}; it must be in EPSG:4326")
    world = Polygon.from_bbox((-180, -_MERCATOR_LATITUDE_DEG, 180, _MERCATOR_LATITUDE_DEG))
    world.srid = 4326
    visible = area.clone() if world.contains(area) else world.intersection(area)
    if visible.empty:
        return MultiPolygon(srid=3857)
    visible.srid = 4326
    visible.transform(3857)
    return visible


def _descendants(x: int, y: int, levels: int) -> list[tuple[int, int]]:
    tiles = [(x, y)]
    for _ in range(levels):
        tiles = [(2 * x + dx, 2 * y + dy) for x, y in tiles for dy in (0, 1) for dx in (0, 1)]
    return tiles


def _too_many(zoom: int, limit: int) -> BadProject:
    return BadProject(
        f"The area holds more than {limit:,} patches at zoom {zoom}. Draw a smaller area of interest, "
        "or choose a smaller patch zoom: each step less makes a quarter of the patches.",
        zoom=zoom,
        limit=limit,
    )
