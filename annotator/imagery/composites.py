"""Other ways to see a scene: false colour with near infrared, the vegetation index NDVI, and what leads wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from PIL import Image

from annotator.imagery.bands import infrared_bands
from annotator.imagery.drawing import Paint
from annotator.imagery.expressions import parse
from annotator.imagery.grid import TILE_PX
from annotator.imagery.inspect import propose_stretch
from annotator.imagery.ramps import NDVI_RANGE, ndvi_colors
from annotator.imagery.recipes import Recipe, look_of, missing_bands, recipe_of
from annotator.imagery.rendering import picture_of, stretch_paint, webp_of
from annotator.models import OwnComposite, Scene


@dataclass(frozen=True)
class Composite:
    """A band combination. ``recipe``, ``name`` and ``stamp`` are of those that were written for a project."""

    key: str
    name: str = ""
    stamp: str = ""
    recipe: Recipe | None = field(default=None, compare=False)

    @property
    def query(self) -> str:
        """What is added to the address of a tile, after its other parameters; the stamp lets browsers keep it."""
        if self.key == NATURAL.key:
            return ""
        return f"&composite={self.key}" + (f"&stamp={self.stamp}" if self.stamp else "")


NATURAL, INFRARED, NDVI = Composite("natural"), Composite("infrared"), Composite("ndvi")
# Where both are nothing or less there is no reflected light to compare.
_NDVI = "where(nir + red > 0, (nir - red) / (nir + red), 0 / 0)"


def composites_of(band_names: Sequence[str], own: Iterable[OwnComposite] = ()) -> tuple[Composite, ...]:
    """The band combinations that a scene with these bands can be seen in; its own colours come first.

    ``own`` are those of its project, of which it has the ones whose bands it has.
    """
    fixed = (NATURAL, INFRARED, NDVI) if infrared_bands(band_names) else (NATURAL,)
    written = (Composite(row.key, row.name, row.stamp, _recipe(row)) for row in own)
    return (*fixed, *(one for one in written if one.recipe and not missing_bands(one.recipe, band_names)))


def picture_of_composite(
    scene: Scene, composite: Composite, x: int, y: int, z: int, *, size_px: int = TILE_PX
) -> Image.Image | None:
    """The scene's tile in one of `composites_of` its bands, as `picture_of` gives it.

    ``infrared`` shows near infrared, red and green as red, green and blue, stretched as ingest would do it.
    ``ndvi`` is (near infrared - red) / (near infrared + red) of the stored values (Rouse et al. 1974) in colours.
    Raises BadScene, of which SceneFileGone tells that the file cannot be read any more.
    """
    bands, paint = _look(scene, composite)
    return picture_of(
        scene.cog_path, x, y, z, size_px=size_px, bands=bands, paint=paint, shift_m=scene.shift_m
    )


def render_composite(scene: Scene, composite: Composite, x: int, y: int, z: int) -> bytes:
    """Likewise as a WebP image of 256 x 256 pixels."""
    return webp_of(picture_of_composite(scene, composite, x, y, z))


def _look(scene: Scene, composite: Composite) -> tuple[Sequence[int], Paint]:
    if composite.recipe is not None:
        return look_of(scene, composite.recipe)
    bands = infrared_bands(scene.band_names)
    if composite == NATURAL or bands is None:
        return scene.display_bands, stretch_paint(scene.stretch)
    if composite == NDVI:
        return look_of(scene, Recipe((parse(_NDVI),), (NDVI_RANGE,), ndvi_colors()))
    return bands, stretch_paint(_stretch_of(scene.cog_path, bands))


@lru_cache(maxsize=256)
def _stretch_of(path: Path, bands: tuple[int, int, int]) -> list[list[float]]:
    # A COG is never rewritten under its name.
    return propose_stretch(path, list(bands))


def _recipe(row: OwnComposite) -> Recipe:
    return recipe_of(row.expressions, row.ranges, row.ramp)
