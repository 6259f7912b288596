"""Parcels of the masks as GeoJSON, GeoPackage and GeoParquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from pyarrow import parquet
from pyproj import CRS, Transformer

from annotator import inference
from annotator.errors import BadExport
from annotator.exports.contents import Contents, Member, Part, common_members, line_bytes

MAX_PATCHES = 4_096
DRAWN = "parcels.jsonl"
FEATURE_DIGITS = 9
VECOREL = "https://vecorel.org/specification/v0.1.0/schema.yaml"
FIBOA = "https://fiboa.org/specification/v0.3.0/schema.yaml"
Row = dict[str, Any]


class Parcels:
    """What the three forms have in common: parcels drawn once, a line each, as `mlservice.parcels` draws them."""

    options: dict[str, Any] = {}

    def parts(self, contents: Contents) -> Iterator[Part]:
        if len(contents.patches) > MAX_PATCHES:
            raise BadExport(
                f"Parcels are drawn of at most {MAX_PATCHES:,} patches at a time, and these are "
                f"{len(contents.patches):,}. Name a smaller area with the parameter bbox.",
                field="bbox",
            )
        yield Part(DRAWN, len(contents.patches), partial(_draw, contents))


class GeoJson(Parcels):
    """RFC 7946: degrees, counter-clockwise rings."""

    def members(self, contents: Contents, work: Path) -> Iterator[Member]:
        yield Member("parcels.geojson", _feature_collection(work))
        yield from common_members(contents)


class GeoPackage(Parcels):
    """One layer, ``parcels``."""

    def parts(self, contents: Contents) -> Iterator[Part]:
        yield from super().parts(contents)
        yield Part("gpkg", 0, partial(_write_geopackage, contents))

    def members(self, contents: Contents, work: Path) -> Iterator[Member]:
        yield Member("parcels.gpkg", work / "gpkg" / "parcels.gpkg")
        yield from common_members(contents)


class GeoParquet(Parcels):
    """GeoParquet 1.1 by the conventions of fiboa 0.3 and Vecorel 0.1."""

    def parts(self, contents: Contents) -> Iterator[Part]:
        yield from super().parts(contents)
        yield Part("parcels.parquet", 0, partial(_write_geoparquet, contents))

    def members(self, contents: Contents, work: Path) -> Iterator[Member]:
        yield Member("parcels.parquet", work / "parcels.parquet")
        yield from common_members(contents)


def _draw(contents: Contents, path: Path) -> None:
    """A line for each parcel: what it is, where it comes from, and its outline in degrees as WKB."""
    masks = {
        (patch.x, patch.y): mask
        for patch, mask in zip(contents.patches, contents.read_masks(contents.patches), strict=True)
    }
    by_place = {(patch.x, patch.y): patch for patch in contents.patches}
    names = {c.value: c.name for c in contents.legend.classes}
    to_lonlat = Transformer.from_crs(3857, 4326, always_xy=True)
    numbers: dict[str, int] = {}
    with path.open("wb") as file:
        for parcel in inference.draw_parcels(masks, contents.legend, contents.zoom):
            patches = [by_place[place] for place in parcel.places]
            first = patches[0].quadkey
            numbers[first] = numbers.get(first, 0) + 1
            outline = shapely.transform(
                parcel.outline, lambda corners: np.column_stack(to_lonlat.transform(*corners.T))
            )
            versions = {p.model_version for p in patches if p.model_version is not None}
            file.write(
                line_bytes(
                    {
                        "id": f"{first}-{numbers[first]}",
                        "class_value": parcel.value,
                        "class_name": names[parcel.value],
                        "area_m2": round(parcel.area_m2, 2),
                        "authors": ", ".join(sorted({p.author for p in patches})),
                        "model_versions": ", ".join(map(str, sorted(versions))),
                        "sides": ", ".join(sorted({p.side for p in patches})),
                        "revisions": ", ".join(str(p.revision) for p in patches),
                        "saved_at": max(p.saved_at for p in patches),
                        "outline": shapely.to_wkb(shapely.orient_polygons(outline), hex=True, byte_order=1),
                    }
                )
            )


def _rows(work: Path) -> Iterator[Row]:
    with (work / DRAWN).open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _feature_collection(work: Path) -> Iterator[bytes]:
    before = b'{"type": "FeatureCollection", "features": [\n'
    for row in _rows(work):
        outline = shapely.from_wkb(row.pop("outline"))
        rings = [outline.exterior, *outline.interiors]
        feature = {
            "type": "Feature",
            "id": row["id"],
            "geometry": {
                "type": "Polygon",
                "coordinates": [np.round(ring.coords, FEATURE_DIGITS).tolist() for ring in rings],
            },
            "properties": {name: value for name, value in row.items() if name != "id"},
        }
        yield before + line_bytes(feature)[:-1]
        before = b",\n"
    yield b"]}\n" if before == b",\n" else before + b"]}\n"


def _write_geopackage(contents: Contents, folder: Path) -> None:
    folder.mkdir()
    rows = list(_rows(folder.parent))
    # A GeoPackage says when it was changed: when the newest of its masks was saved.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": contents.latest})
    fields = [name for name in _fields() if name != "outline"]
    try:
        pyogrio.raw.write(
            folder / "parcels.gpkg",
            np.array([bytes.fromhex(row["outline"]) for row in rows], dtype=object),
            [_column(rows, name) for name in fields],
            fields,
            layer="parcels",
            driver="GPKG",
            geometry_type="Polygon",
            crs="EPSG:4326",
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _fields() -> tuple[str, ...]:
    return (
        "id",
        "class_value",
        "class_name",
        "area_m2",
        "authors",
        "model_versions",
        "sides",
        "revisions",
        "saved_at",
        "outline",
    )


def _column(rows: list[Row], name: str) -> np.ndarray[Any, Any]:
    kinds: dict[str, Any] = {"class_value": np.int32, "area_m2": np.float64}
    return np.array([row[name] for row in rows], dtype=kinds.get(name, object))


def _write_geoparquet(contents: Contents, path: Path) -> None:
    rows = list(_rows(path.parent))
    collection = contents.name
    text = pa.string()
    columns: list[tuple[str, pa.DataType, bool, list[Any]]] = [
        ("id", text, False, [row["id"] for row in rows]),
        ("collection", text, False, [collection] * len(rows)),
        ("geometry", pa.binary(), False, [bytes.fromhex(row["outline"]) for row in rows]),
        ("metrics:area", pa.float32(), True, [row["area_m2"] for row in rows]),
        (
            "determination:datetime",
            pa.timestamp("ms", "UTC"),
            True,
            [datetime.fromisoformat(row["saved_at"]).astimezone(UTC) for row in rows],
        ),
        ("determination:method", text, True, ["manual"] * len(rows)),
        ("determination:details", text, True, [_details(row) for row in rows]),
    ]
    told = ("class_value", "class_name", "authors", "model_versions", "sides", "revisions")
    columns += [
        (f"milpa:{name}", pa.int32() if name == "class_value" else text, True, [row[name] for row in rows])
        for name in told
    ]
    outlines = [shapely.from_wkb(row["outline"]) for row in rows]
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {
            "geometry": {
                "encoding": "WKB",
                "geometry_types": ["Polygon"],
                "crs": json.loads(CRS.from_epsg(4326).to_json()),
                "orientation": "counterclockwise",
                "bbox": shapely.total_bounds(outlines).tolist(),
            }
        },
    }
    head = {"schemas": {collection: [VECOREL, FIBOA]}, "title": contents.project["name"]}
    schema = pa.schema(
        [pa.field(name, kind, nullable=nullable) for name, kind, nullable, _ in columns],
        metadata={"geo": json.dumps(geo), "collection": json.dumps(head, sort_keys=True)},
    )
    table = pa.Table.from_arrays([pa.array(values, kind) for _, kind, _, values in columns], schema=schema)
    parquet.write_table(table, path, compression="zstd", row_group_size=25_000)


def _details(row: Row) -> str:
    if not row["model_versions"]:
        return "Drawn by people and approved by a reviewer."
    return f"Proposed by model version {row['model_versions']}, corrected by people, approved by a reviewer."
