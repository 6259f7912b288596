"""Scenes shown by expressions of their bands: one in the colours of a ramp, or three as red, green and blue."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image
from rasterio.io import DatasetReader

from annotator.enums import Ramp
from annotator.errors import BadComposite
from annotator.imagery.bands import bands_by_name, usual_names
from annotator.imagery.drawing import Paint
from annotator.imagery.expressions import Expression, parse
from annotator.imagery.opening import open_raster
from annotator.imagery.problems import SceneFileGone
from annotator.imagery.ramps import colored, ramp_colors
from annotator.imagery.tiles import stretched
from annotator.models import Scene

Range = tuple[float, float]

_SAMPLE_PX, _PREVIEW_PX = 1024, 512
_PERCENTILES = (2, 98)


@dataclass(frozen=True)
class Recipe:
    """What was written: one expression or three, and for each the values of its low and high end.

    None instead of a range stands for percentiles of the expression in each scene. ``colors`` (steps, 3) are those
    of a single expression.
    """

    expressions: tuple[Expression, ...]
    ranges: tuple[Range | None, ...]
    colors: np.ndarray


def recipe_of(expressions: Sequence[str], ranges: Sequence[Sequence[float] | None], ramp: str) -> Recipe:
    """What a project keeps of an own composite, read. Raises BadComposite."""
    return Recipe(
        tuple(parse(text) for text in expressions),
        tuple(None if ends is None else (float(ends[0]), float(ends[1])) for ends in ranges),
        ramp_colors(Ramp(ramp)),
    )


def missing_bands(recipe: Recipe, band_names: Sequence[str]) -> set[str]:
    """Which bands it names that are not there."""
    return {name for one in recipe.expressions for name in one.names} - bands_by_name(band_names).keys()


def check_bands(expression: Expression, scene: Scene) -> None:
    """Raises BadComposite, with the names that there are, for a band that the scene does not have."""
    known = bands_by_name(scene.band_names)
    for name in expression.names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            there = ", ".join(usual_names(scene.band_names))
            raise BadComposite(f"There is no band {name} in {scene.name}: it has {there}.{hint}")


def ranges_in(scene: Scene, recipe: Recipe) -> tuple[Range, ...]:
    """The low and high end of each expression in the scene; what was not given are the 2nd and 98th percentile.

    Raises BadScene when the file cannot be read.
    """
    texts = tuple(
        one.text for one, ends in zip(recipe.expressions, recipe.ranges, strict=True) if ends is None
    )
    found = iter(_percentiles(scene.cog_path, texts, tuple(scene.band_names)) if texts else ())
    return tuple(next(found) if ends is None else ends for ends in recipe.ranges)


def look_of(scene: Scene, recipe: Recipe) -> tuple[Sequence[int], Paint]:
    """The bands that the scene's tiles are drawn from, and how they become colours. Raises BadScene."""
    known, ranges = bands_by_name(scene.band_names), ranges_in(scene, recipe)
    bands = _numbers(recipe.expressions, known)

    def paint(values: np.ndarray, masks: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        shown = _evaluated(recipe.expressions, bands, known, values)
        valid = np.isfinite(shown).all(axis=0)
        if masks is not None:
            valid &= masks.all(axis=0)
        # Of pixels that do not count there are no numbers to be told about.
        with np.errstate(all="ignore"):
            if len(shown) == 1:
                rgb = colored(shown[0], ranges[0], recipe.colors)
            else:
                rgb = np.ascontiguousarray(stretched(shown, ranges).transpose(1, 2, 0))
        rgb[~valid] = 0
        return rgb, None if valid.all() else valid

    return bands, paint


def preview_of(scene: Scene, recipe: Recipe) -> Image.Image:
    """All of the scene on its own grid, at most 512 pixels a side, clear where it has no value. Raises BadScene."""
    bands, paint = look_of(scene, recipe)
    with _reading(scene.cog_path) as dataset:
        values, masks = _sample(dataset, bands, _PREVIEW_PX)
    rgb, valid = paint(values, masks)
    image = Image.fromarray(rgb)
    if valid is not None:
        image.putalpha(Image.fromarray(valid.astype(np.uint8) * 255))
    return image


@contextmanager
def _reading(path: Path) -> Iterator[DatasetReader]:
    if not path.exists():
        raise SceneFileGone("The scene's file cannot be read any more. Add the scene again.")
    with open_raster(path) as dataset:
        yield dataset


@lru_cache(maxsize=256)
def _percentiles(path: Path, texts: tuple[str, ...], band_names: tuple[str, ...]) -> tuple[Range, ...]:
    # A COG is never rewritten under its name.
    expressions, known = [parse(text) for text in texts], bands_by_name(band_names)
    bands = _numbers(expressions, known)
    with _reading(path) as dataset:
        values, masks = _sample(dataset, bands, _SAMPLE_PX)
    shown = _evaluated(expressions, bands, known, values)
    return tuple(_ends(one[np.isfinite(one) & masks.all(axis=0)]) for one in shown)


def _ends(values: np.ndarray) -> Range:
    if not values.size:
        return 0.0, 1.0
    low, high = (float(end) for end in np.percentile(values.astype(np.float64), _PERCENTILES))
    # What is nearly the same everywhere would otherwise be divided by nothing.
    return (low, high) if high - low > 1e-6 * max(abs(low), abs(high)) else (low, low + max(1.0, abs(low)))


def _numbers(expressions: Sequence[Expression], known: Mapping[str, int]) -> list[int]:
    return sorted({known[name] for one in expressions for name in one.names})


def _evaluated(
    expressions: Sequence[Expression], bands: Sequence[int], known: Mapping[str, int], values: np.ndarray
) -> np.ndarray:
    """The expressions' values (expressions, rows, cols) of those bands' values (bands, rows, cols)."""
    by_name = {name: values[bands.index(known[name])] for one in expressions for name in one.names}
    return np.stack([one.values(by_name) for one in expressions])


def _sample(dataset: DatasetReader, bands: Sequence[int], most_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Those bands' values and where each is valid, both (bands, rows, cols), from the overview that fits."""
    step = max(1.0, max(dataset.width, dataset.height) / most_px)
    shape = (len(bands), math.ceil(dataset.height / step), math.ceil(dataset.width / step))
    values = dataset.read(list(bands), out_shape=shape, masked=True)
    return values.data, ~np.ma.getmaskarray(values)
