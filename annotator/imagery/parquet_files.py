"""GeoParquet files of strangers, read one column at a time, and never unpacked beyond a limit.

Sizes that the file tells of itself are not to be trusted: a text that is stored once may be the value of each row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from pyarrow import compute, parquet

from annotator.errors import BadLabels
from annotator.imagery.attributes import is_plain

MAX_GEOMETRY_BYTES = 2**30
MAX_COLUMN_BYTES = 2**31
_BATCH_ROWS = 4096


@dataclass(frozen=True)
class GeoParquet:
    """``crs``: as JSON; empty where the file says that nobody knows it. ``names``: its attributes."""

    path: Path
    geometry: str
    crs: str
    names: tuple[str, ...]

    def shapes(self, max_bytes: int = MAX_GEOMETRY_BYTES) -> NDArray[np.object_]:
        """The shapes, None where one cannot be read. Raises BadLabels where they are larger than that together."""
        pieces = [np.empty(0, dtype=object)]
        read_bytes = 0
        for batch in self.column(self.geometry):
            if not (pa.types.is_dictionary(batch.type) and _is_binary(batch.type.value_type)):
                raise _no_geometry()
            lengths = compute.binary_length(batch.dictionary).take(batch.indices)
            read_bytes += compute.sum(lengths).as_py() or 0
            if read_bytes > max_bytes:
                raise _too_large()
            packed = np.array(batch.dictionary_decode().to_pylist(), dtype=object)
            pieces.append(shapely.from_wkb(packed, on_invalid="ignore"))
        return np.concatenate(pieces)

    def column(self, name: str) -> Iterator[pa.Array]:
        """The column in pieces, texts and WKB with each value once. Raises BadLabels where it cannot be read."""
        with _told(self.path), parquet.ParquetFile(self.path, read_dictionary=[name]) as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=[name], use_threads=False):
                yield batch.column(0)


def open_parquet(path: Path, max_rows: int) -> GeoParquet:
    """What the file says of itself. Raises BadLabels, naming the remedy."""
    with _told(path), parquet.ParquetFile(path) as file:
        told, schema = file.metadata, file.schema_arrow
        groups = [told.row_group(at) for at in range(told.num_row_groups)]
        if max(told.num_rows, sum(group.num_rows for group in groups)) > max_rows:
            raise BadLabels(
                f"The file has {told.num_rows:,} features; at most {max_rows:,} are taken at once."
            )
        columns = [group.column(at) for group in groups for at in range(group.num_columns)]
        if any(column.total_uncompressed_size > MAX_COLUMN_BYTES for column in columns):
            raise _too_large()
        geometry, crs = _geometry_of(told.metadata or {})
        if geometry not in schema.names:
            raise _no_geometry()
    names = tuple(field.name for field in schema if field.name != geometry and is_plain(field.type))
    return GeoParquet(path, geometry, crs, names)


def _geometry_of(metadata: dict[bytes, bytes]) -> tuple[str, str]:
    """The name of the column and its CRS."""
    try:
        geo = json.loads(metadata[b"geo"])
        name, column = geo["primary_column"], geo["columns"][geo["primary_column"]]
        encoding = column["encoding"]
        # Without a word, coordinates are longitude and latitude; null says that nobody knows.
        crs = column.get("crs", "OGC:CRS84")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _no_geometry() from error
    if encoding != "WKB":
        raise BadLabels("The geometry is in an encoding other than WKB. Write the file anew with geopandas.")
    return str(name), json.dumps(crs) if crs else ""


def _is_binary(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _no_geometry() -> BadLabels:
    return BadLabels(
        "The Parquet file has no geometry as GeoParquet tells it. Write it with GDAL or geopandas."
    )


def _too_large() -> BadLabels:
    return BadLabels("Unpacked, the file would be far larger than labels are. Leave columns out, or cut it.")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Raises BadLabels for what pyarrow cannot read; where on the server's disk the file lies is left out."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        told = str(error).replace(f"{path.parent}/", "")
        raise BadLabels(f"The Parquet file cannot be read ({told}). Write it again.") from error
