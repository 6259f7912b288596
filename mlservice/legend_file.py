"""Label classes in a file, as exports write them and the command line reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlservice.contracts import Legend, LegendClass
from mlservice.errors import BadLegend
from mlservice.legend import check_legend


def read_legend(path: Path) -> Legend:
    """A legend from JSON: a list of classes with ``value``, ``name``, ``color`` and the two roles.

    Raises BadLegend, saying what is wrong, for anything else.
    """
    try:
        classes = json.loads(path.read_text("utf-8"))
        legend = Legend(tuple(_legend_class(entry) for entry in classes))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadLegend(
            f"“{path}” is no legend: {error}. A legend is a JSON list such as "
            '[{"value": 0, "name": "other", "color": "#000000", "is_null": true}, …].'
        ) from error
    check_legend(legend)
    return legend


def _legend_class(entry: dict[str, Any]) -> LegendClass:
    bytes.fromhex(entry["color"].removeprefix("#"))
    return LegendClass(
        int(entry["value"]),
        str(entry["name"]),
        entry["color"],
        is_null=bool(entry.get("is_null", False)),
        is_boundary=bool(entry.get("is_boundary", False)),
    )
