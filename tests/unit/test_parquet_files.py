"""GeoParquet of strangers: what is small on the disk may be vast in memory, and is not let in there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from pyarrow import parquet

from annotator.errors import BadLabels
from annotator.imagery import ogr_files
from annotator.imagery.attributes import attribute_of
from annotator.imagery.parquet_files import open_parquet
from annotator.imagery.vector_files import Reading, read_vectors

ROWS = 20_000
SQUARE = shapely.to_wkb(shapely.box(38, 9, 39, 10))
GEO = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB"}}}


def shared(value: Any, kind: Any, rows: int = ROWS) -> pa.Array:
    """One value that all rows have, stored once."""
    return pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array([value], kind))


def write(path: Path, geo: Any = GEO, *, store_schema: bool = True, **columns: Any) -> Path:
    rows = len(next(iter(columns.values()))) if columns else 3
    table = pa.table({"geometry": shared(SQUARE, pa.binary(), rows), **columns})
    with parquet.ParquetWriter(path, table.schema, store_schema=store_schema) as writer:
        writer.write_table(table)
        if geo is not None:
            writer.add_key_value_metadata({"geo": json.dumps(geo)})
    return path


@pytest.mark.parametrize("store_schema", [True, False])
def test_a_long_text_that_all_rows_share_is_never_unpacked(tmp_path: Path, store_schema: bool) -> None:
    columns = {"note": shared("x" * 5000, pa.string()), "crop": shared("maize", pa.string())}
    path = write(tmp_path / "a.parquet", store_schema=store_schema, **columns)
    assert path.stat().st_size < 200_000
    file = open_parquet(path, ROWS)
    assert file.names == ("note", "crop")
    rows = np.arange(ROWS)
    pieces = list(file.column("note"))
    assert sum(map(len, pieces)) == ROWS
    assert sum(piece.nbytes for piece in pieces) < 300_000, "dense, the column has 100 MB"
    assert attribute_of(file.column("note"), rows) is None
    crop = attribute_of(file.column("crop"), rows)
    assert crop is not None
    assert dict(crop.counts) == {"maize": ROWS}


def test_shapes_end_where_they_are_larger_together_than_labels_are(tmp_path: Path) -> None:
    file = open_parquet(write(tmp_path / "a.parquet", n=pa.array(range(ROWS))), ROWS)
    assert len(file.shapes(ROWS * len(SQUARE))) == ROWS
    with pytest.raises(BadLabels, match="far larger"):
        file.shapes(ROWS * len(SQUARE) - 1)


def test_values_are_counted_for_the_rows_that_are_kept_in_their_order() -> None:
    pieces = [pa.array(["b", None, "a"]), pa.array(["b", "c", ""]).dictionary_encode()]
    found = attribute_of(pieces, np.array([0, 1, 2, 3, 5]))
    assert found is not None
    assert list(found.counts.items()) == [("", 2), ("a", 1), ("b", 2)]
    assert found.codes.tolist() == [2, 0, 1, 2, 0]
    numbers = attribute_of([pa.array([1.0, float("nan"), 2.5, None])], np.arange(4))
    assert numbers is not None
    assert list(numbers.counts.items()) == [("", 2), ("1", 1), ("2.5", 1)]


def test_a_value_for_each_feature_ends_the_reading_at_once() -> None:
    def pieces() -> Iterator[pa.Array]:
        yield pa.array([f"{at}" for at in range(150)])
        yield pa.array([f"{at}" for at in range(100, 260)])
        raise AssertionError("it was known already")

    assert attribute_of(pieces(), np.arange(310)) is None


@pytest.mark.parametrize(
    ("geo", "words"),
    [
        (None, "no geometry as GeoParquet"),
        ([], "no geometry as GeoParquet"),
        ({**GEO, "columns": {"geometry": {}}}, "no geometry as GeoParquet"),
        ({**GEO, "columns": {"geometry": []}}, "no geometry as GeoParquet"),
        (
            {**GEO, "primary_column": "elsewhere", "columns": {"elsewhere": {"encoding": "WKB"}}},
            "no geometry",
        ),
        ({"primary_column": "n", "columns": {"n": {"encoding": "WKB"}}}, "no geometry"),
        ({**GEO, "columns": {"geometry": {"encoding": "point"}}}, "other than WKB"),
        ({**GEO, "columns": {"geometry": {"encoding": "WKB", "crs": [1]}}}, "not known"),
    ],
)
def test_a_file_that_tells_its_geometry_wrong_is_refused(tmp_path: Path, geo: Any, words: str) -> None:
    path = write(tmp_path / "a.parquet", geo, n=pa.array([1, 2, 3]))
    with pytest.raises(BadLabels, match=words):
        read_vectors(path, Reading())


def test_columns_of_other_files_are_read_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"a{at}" for at in range(7)]
    features = [
        {
            "type": "Feature",
            "properties": {name: f"{name}-{row}" for name in names},
            "geometry": json.loads(shapely.to_geojson(shapely.box(38 + row, 9, 38.5 + row, 10))),
        }
        for row in range(3)
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    together = read_vectors(path, Reading())
    monkeypatch.setattr(ogr_files, "VALUES_AT_ONCE", 6)
    apart = read_vectors(path, Reading())
    assert list(apart.attributes) == list(together.attributes) == names
    for name in names:
        assert apart.attributes[name].counts == together.attributes[name].counts
        assert [f"{name}-{code}" for code in apart.attributes[name].codes] == [
            f"{name}-{i}" for i in range(3)
        ]


def test_more_attributes_than_anybody_tells_classes_by_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", **{f"a{at}": pa.array([1]) for at in range(301)})
    with pytest.raises(BadLabels, match="301 attributes; at most 300"):
        read_vectors(path, Reading())
