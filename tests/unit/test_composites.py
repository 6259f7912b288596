"""Band combinations: which bands they take, and what their tiles show."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from PIL import Image

from annotator.enums import Ramp
from annotator.imagery import composites
from annotator.imagery.bands import infrared_bands
from annotator.imagery.recipes import preview_of, ranges_in, recipe_of
from annotator.models import Scene
from tests.rasters import write_raster

HALF_WORLD_M = 20_037_508.342789244
ZOOM, X, Y = 17, 93_600, 58_000


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["B02 blue", "B03 green", "B04 red", "B08 nir"], (4, 3, 2)),
        (["B02", "B03", "B04", "B05", "B08", "B8A"], (5, 3, 2)),
        (["B2", "B3", "B4", "B5", "B6"], (4, 3, 2)),
        (["B1", "B2", "B3", "B4", "B5", "B7"], (4, 3, 2)),
        (["red", "green", "blue", "Near Infra-Red"], (4, 1, 2)),
        (["red", "green", "blue", "shortwave infrared", "swir 2"], None),
        (["red", "green", "blue"], None),
        (["nir", "band 2", "band 3"], None),
        (["", "", ""], None),
    ],
)
def test_near_infrared_is_found_by_name_or_number(
    names: list[str], expected: tuple[int, int, int] | None
) -> None:
    assert infrared_bands(names) == expected
    assert [one.key for one in composites.composites_of(names)] == (
        ["natural", "infrared", "ndvi"] if expected else ["natural"]
    )


@pytest.fixture
def scene(tmp_path: Path, settings) -> Scene:  # type: ignore[no-untyped-def]
    """Blue, green, red, near infrared of one tile: crops on the left, soil on the right, a corner without data."""
    settings.MEDIA_ROOT = tmp_path
    side_m = 2 * HALF_WORLD_M / 2**ZOOM
    place = Affine(side_m / 256, 0, X * side_m - HALF_WORLD_M, 0, -side_m / 256, HALF_WORLD_M - Y * side_m)
    crops, soil = (300, 600, 400, 4000), (1100, 1500, 2000, 2400)
    is_crops = np.arange(256)[None, :] < 128
    bands = np.array([np.where(is_crops, a, b) * np.ones((256, 1)) for a, b in zip(crops, soil, strict=True)])
    bands[:, :40, :40] = 0
    (tmp_path / "scenes").mkdir()
    write_raster(
        tmp_path / "scenes" / "four.tif",
        bands.astype(np.uint16),
        crs="EPSG:3857",
        transform=place,
        nodata=0,
    )
    return Scene(
        cog_name="four.tif",
        band_names=["B02", "B03", "B04", "B08"],
        display_bands=[3, 2, 1],
        stretch=[[0, 3000]] * 3,
    )


def picture(scene: Scene, composite: composites.Composite) -> np.ndarray:
    webp = composites.render_composite(scene, composite, X, Y, ZOOM)
    return np.asarray(Image.open(io.BytesIO(webp)).convert("RGBA")).astype(int)


def test_false_colour_shows_crops_in_red(scene: Scene) -> None:
    rgba = picture(scene, composites.INFRARED)
    crops, soil = rgba[128, 64], rgba[128, 192]
    assert crops[0] > 200
    assert crops[1:3].max() < 60
    assert soil[1] > 200
    assert rgba[10, 10, 3] == 0


def test_ndvi_is_dark_green_on_crops_and_light_on_soil(scene: Scene) -> None:
    rgba = picture(scene, composites.NDVI)
    # (4000 - 400) / 4400 = 0.82 and (2400 - 2000) / 4400 = 0.09, between the stops of the ramp.
    assert np.abs(rgba[128, 64, :3] - (24, 81, 36)).max() < 12
    assert np.abs(rgba[128, 192, :3] - (230, 212, 173)).max() < 12
    assert rgba[10, 10, 3] == 0


def test_natural_colours_are_those_of_the_scene(scene: Scene) -> None:
    rgba = picture(scene, composites.NATURAL)
    assert np.abs(rgba[128, 192, :3] - np.array((2000, 1500, 1100)) / 3000 * 255).max() < 6


def test_beside_the_scene_every_combination_is_clear(scene: Scene) -> None:
    for composite in (composites.NATURAL, composites.INFRARED, composites.NDVI):
        webp = composites.render_composite(scene, composite, X + 5, Y, ZOOM)
        assert not np.asarray(Image.open(io.BytesIO(webp)).convert("RGBA"))[..., 3].any()


def own(*expressions: str, ends: tuple[float, float] | None = None) -> composites.Composite:
    recipe = recipe_of(expressions, [ends] * len(expressions), Ramp.GREY)
    return composites.Composite("own-1", "Own", "stamp", recipe)


def test_an_expression_is_clear_where_it_has_no_value_near_and_from_afar(scene: Scene) -> None:
    """Of floating point numbers without a nodata value, and of a quotient by nothing."""
    values = np.full((2, 256, 256), 2, np.float32)
    values[0, :, :64] = np.nan
    values[1, :, 192:] = 0
    side_m = 2 * HALF_WORLD_M / 2**ZOOM
    place = Affine(side_m / 256, 0, X * side_m - HALF_WORLD_M, 0, -side_m / 256, HALF_WORLD_M - Y * side_m)
    write_raster(scene.cog_path.with_name("float.tif"), values, crs="EPSG:3857", transform=place)
    floating = Scene(cog_name="float.tif", band_names=["a", "b"])
    near = picture(floating, own("a / b", ends=(0, 1)))
    assert (near[128, 30, 3], near[128, 220, 3]) == (0, 0)
    assert near[128, 128].tolist() == [255] * 4
    afar = composites.render_composite(floating, own("a / b", ends=(0, 1)), X >> 5, Y >> 5, ZOOM - 5)
    assert np.asarray(Image.open(io.BytesIO(afar)).convert("RGBA"))[..., 3].sum() > 0


def test_ranges_that_were_not_given_are_percentiles_of_the_scene(scene: Scene) -> None:
    # Of B08 half is 4000 and half 2400, nearly; what is the same everywhere has a range all the same.
    recipe = own("nir", "red - red", "nir - 2 * b04").recipe
    assert recipe is not None
    assert ranges_in(scene, recipe) == ((2400, 4000), (0, 1), (-1600, 3200))
    assert np.asarray(preview_of(scene, recipe).convert("RGBA"))[10, 10, 3] == 0
