"""What the OpenAPI document says of the views that are plain Django's, in its own terms.

tests/database/test_schema.py holds that every address of the API is in the document.
"""

from __future__ import annotations

from typing import Any

from annotator.imagery import patch_tiles, rendering
from annotator.imagery.composites import NATURAL

_Operation = dict[str, Any]
_TEXT = {"schema": {"type": "string"}}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_READERS = [{"basic": []}, {"token": []}, {"session": []}]
_ETAG = {"description": "Changes with what is answered; send it as `If-None-Match`.", **_TEXT}
_CACHE = {"description": "For how long it may be kept, by the person's own program only.", **_TEXT}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "An `ETag` of before: 304 without a body where it is still the same.",
    "schema": {"type": "string", "pattern": r'^(W/)?"[!#-~]*"$'},
}
_COMPOSITE = {
    "name": "composite",
    "in": "query",
    "description": "One of the scene's `composites`, by its key.",
    "schema": {"type": "string", "pattern": "^[a-z0-9-]{1,40}$", "default": NATURAL.key},
}


def _path(*names: str) -> list[_Operation]:
    """Parts of the address; `annotator.api.schema` says what each can be."""
    return [{"name": name, "in": "path", "required": True, "schema": {}} for name in names]


def _get(
    name: str,
    told: str,
    content: dict[str, Any],
    parameters: list[_Operation],
    *,
    security: list[dict[str, list[str]]] = _READERS,
    is_conditional: bool = False,
) -> dict[str, _Operation]:
    answer: _Operation = {"description": told, "content": content, "headers": {"Cache-Control": _CACHE}}
    operation: _Operation = {
        "operationId": name,
        "description": told,
        "tags": [name.partition("_")[0]],
        "parameters": parameters,
        "security": security,
        "responses": {"200": answer},
    }
    if is_conditional:
        answer["headers"]["ETag"] = _ETAG
        operation["parameters"] = [*parameters, _IF_NONE_MATCH]
        operation["responses"]["304"] = {"description": "It is what the program has."}
    return {"get": operation}


_TILE = ("z", "x", "y")
_VECTOR = {patch_tiles.CONTENT_TYPE: _BINARY}

PLAIN_PATHS: dict[str, dict[str, _Operation]] = {
    "/healthz": {
        "get": {
            "operationId": "healthz",
            "description": "Whether the service and its database answer.",
            "tags": ["health"],
            "security": [{}],
            "responses": {
                "200": {"description": "They do.", "content": {"text/plain": _TEXT}},
                "503": {"description": "The database does not.", "content": {"text/plain": _TEXT}},
            },
        }
    },
    "/tiles/scenes/{scene_id}/{z}/{x}/{y}": _get(
        "tiles_scenes_retrieve",
        "A ready scene's tile, 256 × 256 px, transparent where the scene has nothing.",
        {rendering.CONTENT_TYPE: _BINARY},
        [
            *_path("scene_id", *_TILE),
            _COMPOSITE,
            {
                "name": "v",
                "in": "query",
                "description": "The stamp of the scene's display, as in its `tile_url`: the tile never changes then.",
                "schema": {"type": "string", "pattern": "^[0-9a-f]{1,64}$"},
            },
        ],
        is_conditional=True,
    ),
    "/tiles/projects/{slug}/patches/{z}/{x}/{y}": _get(
        "tiles_patches_retrieve",
        "The patches of a project as a Mapbox Vector Tile, layer `patches`.",
        _VECTOR,
        _path("slug", *_TILE),
        is_conditional=True,
    ),
    "/tiles/projects/{slug}/parcels/{z}/{x}/{y}": _get(
        "tiles_parcels_retrieve",
        "The parcels of a project as a Mapbox Vector Tile, layer `parcels`.",
        _VECTOR,
        _path("slug", *_TILE),
        is_conditional=True,
    ),
    "/api/v1/scenes/{scene_id}/tilejson.json": _get(
        "api_v1_scenes_tilejson_retrieve",
        "A ready scene as TileJSON 3.0.0, for web maps.",
        {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "tilejson": {"const": "3.0.0"},
                        "name": {"type": "string"},
                        "description": {"type": "string"},
                        "scheme": {"const": "xyz"},
                        "tiles": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                        "minzoom": {"type": "integer"},
                        "maxzoom": {"type": "integer"},
                        "bounds": {
                            "type": "array",
                            "items": {"type": "number"},
                            "minItems": 4,
                            "maxItems": 4,
                            "description": "west, south, east, north in degrees",
                        },
                        "center": {
                            "type": "array",
                            "items": {"type": "number"},
                            "description": "longitude, latitude, zoom",
                        },
                    },
                    "required": ["tilejson", "tiles", "minzoom", "maxzoom", "bounds"],
                    "additionalProperties": False,
                }
            }
        },
        [*_path("scene_id"), _COMPOSITE],
    ),
    "/api/v1/projects/{slug}/wmts.xml": _get(
        "api_v1_projects_wmts_retrieve",
        "The capabilities of a project's imagery as OGC WMTS 1.0.0, for QGIS and GDAL.",
        {"application/xml": _TEXT},
        _path("slug"),
    ),
}
