"""Parcels of the masks as GeoJSON, GeoPackage and GeoParquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from pyarrow import parquet
from pyproj import CRS

from annotator.enums import ParcelOrigin
from annotator.exports.contents import Contents, Member, Part, common_members, line_bytes

STORED = "parcels.jsonl"
"""The part that the three forms are written from: a line for each parcel, its ``outline`` in degrees as WKB."""
FEATURE_DIGITS = 9
ROWS_AT_ONCE = 25_000
VECOREL = "https://vecorel.org/specification/v0.1.0/schema.yaml"
FIBOA = "https://fiboa.org/specification/v0.3.0/schema.yaml"
Row = dict[str, Any]

_COLUMNS: dict[str, pa.DataType] = {
    "id": pa.string(),
    "class_value": pa.int32(),
    "class_name": pa.string(),
    "area_m2": pa.float64(),
    "origin": pa.string(),
    "authors": pa.string(),
    "model_versions": pa.string(),
    "corrected_by": pa.string(),
    "kept_share": pa.float64(),
    "confidence": pa.float64(),
    "sides": pa.string(),
    "revisions": pa.string(),
    "saved_at": pa.string(),
}


class Parcels:
    """What the three forms have in common: they are written from the stored parcels, some thousand at a time."""

    options: dict[str, Any] = {}

    def parts(self, contents: Contents) -> Iterator[Part]:
        return iter(())


class GeoJson(Parcels):
    """RFC 7946: degrees, counter-clockwise rings."""

    def members(self, contents: Contents, work: Path) -> Iterator[Member]:
        yield Member("parcels.geojson", _feature_collection(work))
        yield from common_members(contents)


class GeoPackage(Parcels):
    """One layer, ``parcels``."""

    def parts(self, contents: Contents) -> Iterator[Part]:
        yield Part("gpkg", 0, partial(_write_geopackage, contents))

    def members(self, contents: Contents, work: Path) -> Iterator[Member]:
        yield Member("parcels.gpkg", work / "gpkg" / "parcels.gpkg")
        yield from common_members(contents)


class GeoParquet(Parcels):
    """GeoParquet 1.1 by the conventions of fiboa 0.3 and Vecorel 0.1."""

    def parts(self, contents: Contents) -> Iterator[Part]:
        yield Part("parcels.parquet", 0, partial(_write_geoparquet, contents))

    def members(self, contents: Contents, work: Path) -> Iterator[Member]:
        yield Member("parcels.parquet", work / "parcels.parquet")
        yield from common_members(contents)


def _rows(work: Path) -> Iterator[Row]:
    with (work / STORED).open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _some_rows(work: Path) -> Iterator[list[Row]]:
    rows = _rows(work)
    return iter(lambda: list(islice(rows, ROWS_AT_ONCE)), [])


def _feature_collection(work: Path) -> Iterator[bytes]:
    before = b'{"type": "FeatureCollection", "features": [\n'
    for row in _rows(work):
        outline = shapely.from_wkb(row["outline"])
        rings = [outline.exterior, *outline.interiors]
        feature = {
            "type": "Feature",
            "id": row["id"],
            "geometry": {
                "type": "Polygon",
                "coordinates": [np.round(ring.coords, FEATURE_DIGITS).tolist() for ring in rings],
            },
            "properties": {name: row[name] for name in _COLUMNS if name != "id"},
        }
        yield before + line_bytes(feature)[:-1]
        before = b",\n"
    yield b"]}\n" if before == b",\n" else before + b"]}\n"


def _write_geopackage(contents: Contents, folder: Path) -> None:
    folder.mkdir()
    schema = pa.schema([*_COLUMNS.items(), ("outline", pa.binary())])
    columns: dict[str, Callable[[Row], Any]] = {name: partial(_value, name) for name in schema.names}
    # A GeoPackage says when it was changed: when the newest of its masks was saved.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": contents.latest})
    try:
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(schema, _record_batches(folder.parent, schema, columns)),
            folder / "parcels.gpkg",
            layer="parcels",
            driver="GPKG",
            geometry_name="outline",
            geometry_type="Polygon",
            crs="EPSG:4326",
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _record_batches(
    work: Path, schema: pa.Schema, columns: dict[str, Callable[[Row], Any]]
) -> Iterator[pa.RecordBatch]:
    for rows in _some_rows(work):
        arrays = [pa.array([columns[field.name](row) for row in rows], field.type) for field in schema]
        yield pa.record_batch(arrays, schema=schema)


def _value(name: str, row: Row) -> Any:
    return bytes.fromhex(row[name]) if name == "outline" else row[name]


def _write_geoparquet(contents: Contents, path: Path) -> None:
    work, text = path.parent, pa.string()
    told: list[tuple[str, pa.DataType, bool, Callable[[Row], Any]]] = [
        ("id", text, False, partial(_value, "id")),
        ("collection", text, False, lambda row: contents.name),
        ("geometry", pa.binary(), False, partial(_value, "outline")),
        ("metrics:area", pa.float32(), True, partial(_value, "area_m2")),
        ("determination:datetime", pa.timestamp("ms", "UTC"), True, _saved_at),
        ("determination:method", text, True, _method),
        ("determination:details", text, True, _details),
    ]
    ours = [name for name in _COLUMNS if name not in ("id", "area_m2", "saved_at")]
    told += [(f"milpa:{name}", _COLUMNS[name], True, partial(_value, name)) for name in ours]
    schema = pa.schema(
        [pa.field(name, kind, nullable=nullable) for name, kind, nullable, _ in told],
        metadata={"geo": json.dumps(_geo(work)), "collection": json.dumps(_collection(contents))},
    )
    columns = {name: value for name, _, _, value in told}
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _record_batches(work, schema, columns):
            writer.write_batch(batch, row_group_size=ROWS_AT_ONCE)


def _geo(work: Path) -> dict[str, Any]:
    """The file's ``geo`` metadata, with bounds around all parcels where there are any."""
    bounds = [shapely.total_bounds(_outlines(rows)) for rows in _some_rows(work)]
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["Polygon"],
        "crs": json.loads(CRS.from_epsg(4326).to_json()),
        "orientation": "counterclockwise",
    }
    if bounds:
        west, south, east, north = np.transpose(bounds)
        column["bbox"] = [float(edge) for edge in (west.min(), south.min(), east.max(), north.max())]
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}


def _outlines(rows: list[Row]) -> Any:
    return shapely.from_wkb([row["outline"] for row in rows])


def _collection(contents: Contents) -> dict[str, Any]:
    return {"schemas": {contents.name: [VECOREL, FIBOA]}, "title": contents.project["name"]}


def _saved_at(row: Row) -> datetime:
    return datetime.fromisoformat(row["saved_at"]).astimezone(UTC)


def _method(row: Row) -> str:
    """How the outline came about, in fiboa's words."""
    methods = {ParcelOrigin.ACCEPTED: "auto-imagery", ParcelOrigin.IMPORTED: "unknown"}
    return methods.get(row["origin"], "manual")


def _details(row: Row) -> str:
    version = f"Proposed by model version {row['model_versions']}"
    return {
        ParcelOrigin.ACCEPTED: f"{version}, left as it was by people and approved by a reviewer.",
        ParcelOrigin.CORRECTED: f"{version}, corrected by people, approved by a reviewer.",
        ParcelOrigin.IMPORTED: "Imported from labels that existed already, approved by a reviewer.",
    }.get(row["origin"], "Drawn by people and approved by a reviewer.")
