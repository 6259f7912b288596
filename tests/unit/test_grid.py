"""The grid that patches, tiles, model inputs and masks share."""

from __future__ import annotations

import math

import pytest
from django.contrib.gis.geos import MultiPolygon, Point, Polygon
from hypothesis import given, settings
from hypothesis import strategies as st
from morecantile import Tile

from annotator.errors import BadProject
from annotator.imagery import grid


@pytest.mark.parametrize(("gsd_m", "zoom"), [(10, 16), (3, 16), (1, 17), (0.5, 18), (0.3, 19), (30, 14)])
def test_the_proposed_zoom_follows_the_pixels_and_the_fields(gsd_m, zoom):
    assert grid.propose_patch_zoom(gsd_m, latitude_deg=15) == zoom


def test_the_proposed_zoom_stays_within_what_a_project_takes():
    assert grid.propose_patch_zoom(0.001, 0) == 22
    assert grid.propose_patch_zoom(100_000, 0) == 8


@given(st.floats(0.05, 100), st.floats(-70, 70))
def test_the_proposed_zoom_is_native_or_at_most_two_deeper(gsd_m, latitude_deg):
    native = grid.native_zoom(gsd_m, latitude_deg)
    assert 0 <= grid.propose_patch_zoom(gsd_m, latitude_deg) - native <= 2


def test_ground_resolution_shrinks_with_the_cosine_of_the_latitude():
    assert grid.ground_resolution_m(0, 0) == pytest.approx(156543.034)
    assert grid.ground_resolution_m(14, 60) == pytest.approx(156543.034 / 2**14 / 2)


def test_a_known_tile_has_its_known_key_square_and_bounds():
    assert grid.quadkey(3, 5, 3) == "213"
    assert grid.quadkey(0, 0, 0) == ""
    half_m = math.pi * 6_378_137
    assert grid.square(1, 0, 1).extent == pytest.approx((0, 0, half_m, half_m))
    assert grid.square(1, 0, 1).srid == 3857
    assert grid.lonlat_bounds(1, 0, 1) == pytest.approx((0, 0, 180, 85.0511288))


@given(st.integers(0, 22), st.data())
def test_bounds_in_degrees_are_those_of_the_projection_library(z, data):
    x, y = (data.draw(st.integers(0, 2**z - 1)) for _ in "xy")
    assert grid.lonlat_bounds(x, y, z) == pytest.approx(tuple(grid.QUAD.bounds(Tile(x, y, z))), abs=1e-9)


@given(st.integers(0, 22), st.data())
def test_an_ancestor_is_a_prefix_of_the_key_and_holds_the_square(z, data):
    x, y = (data.draw(st.integers(0, 2**z - 1)) for _ in "xy")
    levels_up = data.draw(st.integers(0, z))
    ancestor = grid.context_tile(x, y, z, levels_up)
    assert grid.quadkey(x, y, z)[: z - levels_up] == grid.quadkey(*ancestor)
    assert grid.square(*ancestor).buffer(1e-6).contains(grid.square(x, y, z))


@pytest.mark.parametrize("tile", [(8, 0, 3), (0, -1, 3), (0, 0, -1)])
def test_a_tile_that_does_not_exist_is_refused(tile):
    for function in (grid.quadkey, grid.square, grid.lonlat_bounds):
        with pytest.raises(ValueError, match="no tile"):
            function(*tile)


def test_there_is_no_ancestor_above_the_world():
    with pytest.raises(ValueError, match="no ancestor"):
        grid.context_tile(0, 0, 3, 4)


def area(lon: float, lat: float, radius_deg: float) -> Polygon:
    return Point(lon, lat, srid=4326).buffer(radius_deg, quadsegs=3)


@settings(deadline=None)
@given(st.floats(-170, 170), st.floats(-80, 80), st.floats(0.0001, 0.2), st.integers(8, 13))
def test_patches_cover_the_area_and_no_patch_lies_beside_it(lon, lat, radius_deg, zoom):
    shape = area(lon, lat, radius_deg)
    patches = grid.patches_inside(shape, zoom)
    flat = shape.transform(3857, clone=True)
    squares = [grid.square(x, y, zoom) for x, y in patches]
    covered = sum(flat.intersection(box).area for box in squares)
    # What is left out is at most a pixel's area of the patches around.
    assert covered >= flat.area - (len(patches) + 4) * grid.square(0, 0, zoom).area / 256**2
    assert all(flat.intersection(box).area > 0 for box in squares)
    keys = [grid.quadkey(x, y, zoom) for x, y in patches]
    assert keys == sorted(set(keys))


def test_an_area_along_tile_edges_makes_only_the_patches_within():
    shape = Polygon.from_bbox(grid.lonlat_bounds(11, 6, 4))
    shape.srid = 4326
    assert grid.patches_inside(shape, 6) == [
        (4 * 11 + dx, 4 * 6 + dy)
        for dx, dy in sorted(
            ((dx, dy) for dx in range(4) for dy in range(4)), key=lambda d: grid.quadkey(*d, 2)
        )
    ]


def test_a_hole_in_the_area_makes_no_patches():
    outer, inner = grid.lonlat_bounds(11, 6, 4), grid.lonlat_bounds(45, 25, 6)
    ring = Polygon(Polygon.from_bbox(outer).exterior_ring, Polygon.from_bbox(inner).exterior_ring, srid=4326)
    patches = grid.patches_inside(ring, 6)
    assert (45, 25) not in patches
    assert len(patches) == 15


def test_an_area_beyond_the_poles_of_the_map_has_no_patches():
    assert grid.patches_inside(area(0, 88, 0.5), 8) == []
    assert grid.patches_inside(MultiPolygon(srid=4326), 8) == []


def test_too_large_an_area_is_refused_with_the_remedy_and_without_work():
    with pytest.raises(BadProject, match="smaller area of interest") as refused:
        grid.patches_inside(area(20, 10, 30), 18)
    assert refused.value.facts == {"zoom": 18, "limit": 200_000}


def test_the_limit_counts_patches():
    shape = Polygon.from_bbox(grid.lonlat_bounds(11, 6, 4))
    shape.srid = 4326
    assert len(grid.patches_inside(shape, 6, limit=16)) == 16
    with pytest.raises(BadProject):
        grid.patches_inside(shape, 6, limit=15)


def test_an_area_in_another_crs_is_refused():
    with pytest.raises(ValueError, match="EPSG:4326"):
        grid.patches_inside(grid.square(0, 0, 3), 8)
