"""Label classes as the method knows them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from annotator.models import LabelClass
from mlservice.contracts import (
    Legend,
    LegendClass,
)


def legend_for(classes: Sequence[LabelClass]) -> Legend:
    return Legend(
        tuple(
            LegendClass(c.value, c.name, c.color, is_null=c.is_null, is_boundary=c.is_boundary)
            for c in classes
        )
    )


def check_class_words(classes: Sequence[LabelClass]) -> None:
    """Raises MethodError, saying what to change, for classes that models cannot tell apart in words."""
    from mlservice.legend import class_words

    class_words(legend_for(classes))


def landscape_classes() -> tuple[LegendClass, ...]:
    """The classes of the drawn landscapes, by value."""
    from mlservice.landscape import LANDSCAPE_LEGEND

    return LANDSCAPE_LEGEND.classes


def write_landscape_scene(path: Path, truth_path: Path, *, seed: int, size_px: int) -> None:
    """Draws a georeferenced smallholder landscape and its truth, as COGs."""
    from mlservice.landscape import write_landscape_scene as draw

    draw(path, truth_path, seed=seed, size_px=size_px)


def stac_classes(legend: Legend) -> list[dict[str, Any]]:
    """The classes as STAC's classification extension tells them."""
    from mlservice.stac import classification_classes

    return classification_classes(legend)
