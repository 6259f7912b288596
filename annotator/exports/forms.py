"""The forms of export by their kind, and their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from annotator import inference
from annotator.enums import ExportKind
from annotator.errors import BadExport
from annotator.exports.chips import Chips
from annotator.exports.coco import POLYGONS, RLE, Coco
from annotator.exports.contents import ExportForm
from annotator.exports.instruction import Instructions
from annotator.exports.mosaic import GRID_OF_PATCHES, Mosaic
from annotator.exports.stac import Stac
from annotator.exports.vector import GeoJson, GeoPackage, GeoParquet, Parcels

FORMS: Mapping[ExportKind, ExportForm] = {
    ExportKind.GEOTIFF: Mosaic(),
    ExportKind.CHIPS: Chips(),
    ExportKind.COCO: Coco(),
    ExportKind.GEOJSON: GeoJson(),
    ExportKind.GEOPACKAGE: GeoPackage(),
    ExportKind.GEOPARQUET: GeoParquet(),
    ExportKind.STAC: Stac(),
    ExportKind.INSTRUCTION: Instructions(),
}
PARCEL_KINDS = frozenset(kind for kind, form in FORMS.items() if isinstance(form, Parcels))
# Parameters of every form. Without ``names`` people are told apart by numbers.
COMMON_OPTIONS: Mapping[str, Any] = {"bbox": None, "names": False}
CHOICES = {"segmentation": (RLE, POLYGONS), "manner": inference.MANNERS}


def parameters_of(kind: ExportKind, given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of an export, checked, with defaults for what is not given. Raises BadExport."""
    known = {**COMMON_OPTIONS, **FORMS[kind].options}
    if unknown := sorted(set(given) - set(known)):
        raise BadExport(
            f"An export as {kind} has no parameter “{unknown[0]}”; it knows {', '.join(sorted(known))}.",
            field=unknown[0],
        )
    return {name: _checked(name, given.get(name, default)) for name, default in known.items()}


def _checked(name: str, value: Any) -> Any:
    if name in CHOICES and value not in CHOICES[name]:
        raise BadExport(f"{name} must be one of {', '.join(CHOICES[name])}.", field=name)
    if name in ("images", "names") and not isinstance(value, bool):
        raise BadExport(f"{name} must be true or false.", field=name)
    if name == "grid" and value != GRID_OF_PATCHES and type(value) is not int:
        raise BadExport(f"grid must be “{GRID_OF_PATCHES}” or the id of a scene.", field=name)
    if name == "bbox" and value is not None and not _is_box(value):
        raise BadExport(
            "bbox must be west, south, east, north in degrees, west less than east and south less than north.",
            field=name,
        )
    return [float(edge) for edge in value] if name == "bbox" and value is not None else value


def _is_box(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 4:
        return False
    # Comparing is safe for whole numbers that no float holds, and false for what is no number.
    if not all(type(edge) in (int, float) for edge in value):
        return False
    west, south, east, north = value
    return -180 <= west < east <= 180 and -90 <= south < north <= 90
