"""What STAC's extensions demand, as far as exports use them: their schemas come with no package.

label 1.0.1, classification 2.0.0 and file 2.1.0, told in our own words by their published schemas and specifications.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft7Validator

Schema = dict[str, Any]
PUBLISHED = "https://stac-extensions.github.io/{}/schema.json"
LABEL, CLASSIFICATION, FILE = (
    PUBLISHED.format(version) for version in ("label/v1.0.1", "classification/v2.0.0", "file/v2.1.0")
)
TEXT: Schema = {"type": "string"}
FULL_TEXT: Schema = {"type": "string", "minLength": 1}


def _all_of(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _record(*required: str, **properties: Schema) -> Schema:
    return {"type": "object", "required": list(required), "properties": properties}


def _fields(prefix: str, **fields: Schema) -> Schema:
    """Fields with the prefix are those that the extension has; others are none of its business."""
    known = {f"{prefix}:{name}": schema for name, schema in fields.items()}
    return {
        "type": "object",
        "properties": known,
        "patternProperties": {f"^(?!{prefix}:)": {}},
        "additionalProperties": False,
    }


_LABEL_FIELDS = _fields(
    "label",
    properties={"anyOf": [_all_of(TEXT, minItems=1), {"type": "null"}]},
    # Rasters have classes of pixels, which no property names.
    classes=_all_of(
        _record(
            "name",
            "classes",
            name={"type": "null"},
            classes={"anyOf": [_all_of(TEXT), _all_of({"type": "number"})]},
        )
    ),
    description=FULL_TEXT,
    type={"enum": ["raster", "vector"]},
    tasks=_all_of(TEXT),
    methods=_all_of(TEXT),
    overviews=_all_of(
        _record(
            property_key=TEXT,
            counts=_all_of(_record(name=TEXT, count={"type": "integer"})),
            statistics=_all_of(_record(name=TEXT, value={"type": "number"})),
        )
    ),
)
_CLASS = _record(
    "value",
    "name",
    value={"type": "integer"},
    name={"type": "string", "pattern": "^[0-9A-Za-z_-]+$"},
    title=TEXT,
    description=TEXT,
    color_hint={"type": "string", "pattern": "^[0-9A-Fa-f]{6}$"},
    nodata={"type": "boolean"},
    percentage={"type": "number", "minimum": 0, "maximum": 100},
    count={"type": "integer", "minimum": 0},
)
_CLASS_FIELDS = _fields("classification", classes=_all_of(_CLASS, minItems=1, uniqueItems=True))
_FILE_FIELDS = _fields(
    "file",
    byte_order={"enum": ["big-endian", "little-endian"]},
    checksum={"type": "string", "pattern": "^[a-f0-9]+$"},
    header_size={"type": "integer", "minimum": 0},
    size={"type": "integer", "minimum": 0},
    local_path=FULL_TEXT,
)
_NEEDED = {"required": ["label:properties", "label:description", "label:type"]}
_ITEMS: dict[str, Schema] = {
    LABEL: _record(
        "properties",
        "links",
        "assets",
        properties={"allOf": [_NEEDED, _LABEL_FIELDS]},
        links=_all_of(_fields("label", assets=_all_of(TEXT))),
        assets={"additionalProperties": _LABEL_FIELDS},
    ),
    CLASSIFICATION: _record(
        "properties", "assets", properties=_CLASS_FIELDS, assets={"additionalProperties": _CLASS_FIELDS}
    ),
    FILE: _record("assets", assets={"additionalProperties": _FILE_FIELDS}),
}
_COLLECTIONS: dict[str, Schema] = {
    LABEL: _record(item_assets={"additionalProperties": _LABEL_FIELDS}),
    CLASSIFICATION: _record(summaries=_CLASS_FIELDS),
    FILE: _record(item_assets={"additionalProperties": _FILE_FIELDS}),
}
_PREFIXES = {"label:": LABEL, "classification:": CLASSIFICATION, "file:": FILE}


def errors(document: Schema) -> Iterator[str]:
    """What the extensions that an Item or a Collection names, and those whose words it uses, find wrong in it."""
    named = document.get("stac_extensions", [])
    for prefix, extension in _PREFIXES.items():
        if extension not in named and prefix in str(document):
            yield f"stac_extensions lacks {extension}"
    schemas = _COLLECTIONS if document["type"] == "Collection" else _ITEMS
    for extension in named:
        for error in Draft7Validator(schemas[extension]).iter_errors(document):
            yield f"{extension}: {error.message} at {error.json_path}"
