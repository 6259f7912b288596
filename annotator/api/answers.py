"""What operations answer with, as the OpenAPI document tells it: schemas of `annotator.queries.document_types`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from pydantic import TypeAdapter

from annotator.api.pagination import NewestFirst

Schema = dict[str, Any]
_REFERENCE = "#/components/schemas/{model}"
_told: dict[str, type] = {}

PAGE_PARAMETERS = [
    OpenApiParameter("cursor", str, description="Where the page begins; `next` and `previous` have it."),
    OpenApiParameter(
        "page_size",
        int,
        description=f"Rows a page: {NewestFirst.page_size} unless asked for, {NewestFirst.max_page_size} at most.",
    ),
]


def document(kind: type) -> Schema:
    """Names the schema of a document, which the OpenAPI document then holds."""
    _told[kind.__name__] = kind
    return {"$ref": _REFERENCE.format(model=kind.__name__)}


def answer(kind: type, status: int = 200) -> dict[int, Schema]:
    """For ``responses=`` of an operation that answers with such a document."""
    return {status: document(kind)}


def page(kind: type) -> dict[int, Schema]:
    """Likewise, of one that answers with a page of such documents; `PAGE_PARAMETERS` are its parameters."""
    address = {"type": ["string", "null"], "format": "uri"}
    return {
        200: {
            "type": "object",
            "properties": {
                "next": address | {"description": "The next page; null at the end."},
                "previous": address | {"description": "The page before; null at the beginning."},
                "results": {"type": "array", "items": document(kind)},
            },
            "required": ["next", "previous", "results"],
            "additionalProperties": False,
        }
    }


def document_schemas() -> dict[str, Schema]:
    """The schemas of all documents that operations answer with, and of those within them, by name."""
    adapters = [(name, "serialization", TypeAdapter(kind)) for name, kind in _told.items()]
    _, schemas = TypeAdapter.json_schemas(adapters, ref_template=_REFERENCE)  # type: ignore[arg-type]
    found: dict[str, Schema] = schemas["$defs"]
    return found
