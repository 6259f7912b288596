"""Vector files that GDAL reads (GeoJSON, GeoPackage, KML, Shapefiles): all layers, some columns at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from annotator.errors import BadLabels

VALUES_AT_ONCE = 5_000_000
MAX_LAYERS = 200
LAYER = "layer"
"""The attribute that tells the layer of each feature, where a file has several."""


@dataclass(frozen=True)
class _Layer:
    name: str
    features: int
    fields: frozenset[str]


@dataclass(frozen=True)
class OgrFile:
    """``crs`` is of all layers; empty where the file does not tell it. ``names``: the attributes of any of them."""

    path: Path
    encoding: str
    crs: str
    names: tuple[str, ...]
    layers: tuple[_Layer, ...]

    def shapes(self) -> NDArray[np.object_]:
        """The shapes of layer after layer, None where one cannot be read."""
        return np.concatenate([self._shapes_of(layer) for layer in self.layers])

    def columns(self) -> Iterator[tuple[str, Iterator[pa.Array]]]:
        """Attribute after attribute in pieces; so many are read at a time as take little memory, for each way through
        the file takes its time, too. Of several layers each tells its name as an attribute of its own."""
        if len(self.layers) > 1:
            yield LAYER if LAYER not in self.names else f"{LAYER} of the file", self._layer_names()
        features = max(1, sum(layer.features for layer in self.layers))
        at_once = max(1, VALUES_AT_ONCE // features)
        for start in range(0, len(self.names), at_once):
            wanted = self.names[start : start + at_once]
            read = [self._columns_of(layer, wanted) for layer in self.layers]
            for name in wanted:
                pieces = (
                    _piece(columns.get(name), layer.features)
                    for layer, columns in zip(self.layers, read, strict=True)
                )
                yield name, pieces

    def _layer_names(self) -> Iterator[pa.Array]:
        for layer in self.layers:
            codes = pa.array(np.zeros(layer.features, np.int8))
            yield pa.DictionaryArray.from_arrays(codes, pa.array([layer.name]))

    def _shapes_of(self, layer: _Layer) -> NDArray[np.object_]:
        with told(self.path, self.encoding):
            _, _, packed, _ = pyogrio.raw.read(
                self.path, layer=layer.name, columns=[], force_2d=True, **_options(self.encoding)
            )
        return np.asarray(shapely.from_wkb(packed, on_invalid="ignore"))

    def _columns_of(self, layer: _Layer, names: tuple[str, ...]) -> dict[str, Any]:
        wanted = [name for name in names if name in layer.fields]
        if not wanted:
            return {}
        with told(self.path, self.encoding):
            meta, _, _, read = pyogrio.raw.read(
                self.path,
                layer=layer.name,
                columns=wanted,
                read_geometry=False,
                **_options(self.encoding),
            )
        return dict(zip(meta["fields"].tolist(), read, strict=True))


def open_ogr(path: Path, encoding: str, max_features: int) -> OgrFile:
    """What the file holds. Raises BadLabels for one without places, with too much, or in several CRSs."""
    with told(path, encoding):
        listed = [(str(name), kind) for name, kind in pyogrio.list_layers(path).tolist()]
        names = [name for name, kind in listed if kind is not None]
        if not names:
            raise BadLabels("The file has a table without places. Export the layer with its geometry.")
        if len(names) > MAX_LAYERS:
            raise BadLabels(
                f"The file has {len(names):,} layers; at most {MAX_LAYERS} are taken at once. Export them in parts."
            )
        infos = [
            pyogrio.read_info(path, layer=name, force_feature_count=True, **_options(encoding))
            for name in names
        ]
    features = sum(info["features"] for info in infos)
    if features > max_features:
        raise BadLabels(f"The file has {features:,} features; at most {max_features:,} are taken at once.")
    told_crs = {info["crs"] or "" for info in infos}
    if len(told_crs) > 1 and not _are_one(told_crs):
        raise BadLabels("The layers of the file are in different CRSs. Export them in one.")
    fields = {name: None for info in infos for name in info["fields"].tolist()}
    layers = tuple(
        _Layer(name, info["features"], frozenset(info["fields"].tolist()))
        for name, info in zip(names, infos, strict=True)
    )
    return OgrFile(path, encoding, max(told_crs), tuple(fields), layers)


def _are_one(told_crs: set[str]) -> bool:
    try:
        first, *others = (CRS.from_user_input(text) for text in told_crs)
    except CRSError:
        return False
    return all(first == other for other in others)


def _options(encoding: str) -> dict[str, str]:
    return {"encoding": encoding} if encoding else {}


def _piece(column: Any, features: int) -> pa.Array:
    if column is None:
        return pa.nulls(features, pa.string())
    try:
        return pa.array(column, from_pandas=False)
    except pa.ArrowException:
        # Lists and the like, which tell no class.
        return pa.nulls(features)


@contextmanager
def told(path: Path, encoding: str) -> Iterator[None]:
    """Raises BadLabels for what GDAL cannot read."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise BadLabels(
            f"Its texts are not in the encoding that it says ({error.encoding}). Name the right one, for instance "
            "encoding = cp1252 or latin1."
        ) from error
    except LookupError as error:
        raise BadLabels(f"There is no encoding “{encoding}”. Name one such as UTF-8 or cp1252.") from error
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise BadLabels(
            f"The file cannot be read ({_without_folder(error, path)}). Export it again from the program it is from."
        ) from error


def _without_folder(error: Exception, path: Path) -> str:
    """What went wrong, without the place on the server's disk that is nobody's business."""
    return str(error).replace(f"{path.parent}/", "")
