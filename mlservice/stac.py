"""A model version as a STAC Item with the Machine Learning Model extension.

STAC 1.1 and MLM 1.4.0 (https://github.com/stac-extensions/mlm), with the file and classification extensions that
it builds on. The Item's place is where the training patches lie, its time when the version was made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlservice.contracts import PATCH_SIZE_PX, Legend, LegendClass
from mlservice.version_record import VersionRecord

EXTENSIONS = (
    "https://stac-extensions.github.io/mlm/v1.4.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
)
BANDS = ("red", "green", "blue")
SHA256_MULTIHASH = "1220"
"""How a multihash begins that is a SHA-256: the code of the function and a length of 32 bytes."""

Document = dict[str, Any]


@dataclass(frozen=True)
class Artifact:
    """A file of weights: its name, its size and its SHA-256 in hexadecimal digits."""

    name: str
    size_bytes: int
    sha256: str


def stac_item(record: VersionRecord, adapter_config: Mapping[str, Any], weights: Artifact) -> Document:
    """The Item; ``adapter_config`` is PEFT's, which names the base model's class."""
    mapping = adapter_config.get("auto_mapping") or {}
    boxes = [region.bounds for region in record.regions]
    item: Document = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": list(EXTENSIONS),
        "id": record.name,
        "geometry": {"type": "MultiPolygon", "coordinates": [[_ring(*box)] for box in boxes]}
        if boxes
        else None,
        "properties": {
            "title": record.name,
            "description": f"LoRA adapter for {record.base} that says the classes of the cells of a satellite image.",
            "datetime": record.made_at,
            "bands": [{"name": name} for name in BANDS],
            "mlm:name": record.name,
            "mlm:architecture": mapping.get("base_model_class") or "unknown",
            "mlm:tasks": ["semantic-segmentation"],
            "mlm:framework": "PyTorch",
            "mlm:pretrained": True,
            "mlm:pretrained_source": record.base,
            "mlm:input": [_input()],
            "mlm:output": [_output(record.legend)],
        },
        "links": [],
        "assets": _assets(weights),
    }
    if record.config:
        item["properties"]["mlm:hyperparameters"] = dict(record.config)
    if boxes:
        west, south, east, north = zip(*boxes, strict=True)
        item["bbox"] = [min(west), min(south), max(east), max(north)]
    return item


def _ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _input() -> Document:
    """A context image; its rows and columns may be any number of cells."""
    return {
        "name": "context image",
        "description": "Colours as they are shown to people; the base model's own processor prepares them.",
        "bands": list(BANDS),
        "input": {"shape": [-1, -1, 3], "dim_order": ["height", "width", "channel"], "data_type": "uint8"},
        "pre_processing_function": None,
    }


def _output(legend: Legend) -> Document:
    side = PATCH_SIZE_PX
    return {
        "name": "mask of a patch",
        "tasks": ["semantic-segmentation"],
        "result": {"shape": [side, side], "dim_order": ["height", "width"], "data_type": "uint8"},
        "classification:classes": classification_classes(legend),
        "post_processing_function": None,
    }


def classification_classes(legend: Legend) -> list[Document]:
    """The classes in the form of the classification extension."""
    return [_class(legend_class) for legend_class in legend.classes]


def _class(legend_class: LegendClass) -> Document:
    """A class; what the extension calls its name may hold no letters but those of ASCII."""
    plain = re.sub(r"[^0-9A-Za-z]+", "-", legend_class.name).strip("-").lower()
    return {
        "value": legend_class.value,
        "name": plain or f"class-{legend_class.value}",
        "title": legend_class.name,
        "description": legend_class.name,
        "color_hint": legend_class.color.removeprefix("#").upper(),
    }


def _assets(weights: Artifact) -> Document:
    return {
        "model": {
            "href": f"./{weights.name}",
            "type": "application/octet-stream",
            "title": "Weights of the adapter, which PEFT loads with its config",
            "roles": ["mlm:model", "mlm:weights"],
            # STAC allows bands of an Item only where an asset has some; the extension asks for those of the Item.
            "bands": [{"name": name} for name in BANDS],
            "mlm:artifact_type": "safetensors.torch.save_file",
            "file:size": weights.size_bytes,
            "file:checksum": SHA256_MULTIHASH + weights.sha256,
        },
        "config": {
            "href": "./adapter_config.json",
            "type": "application/json",
            "title": "PEFT's config of the adapter",
            "roles": ["metadata"],
        },
        "card": {
            "href": "./README.md",
            "type": "text/markdown",
            "title": "Model card",
            "roles": ["metadata", "overview"],
        },
        "legend": {
            "href": "./legend.json",
            "type": "application/json",
            "title": "Label classes",
            "roles": ["metadata"],
        },
    }
