"""What the OpenAPI document tells of every operation alike."""

from __future__ import annotations

from typing import Any

from annotator.api.answers import document_schemas

PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457); some have more members, such as `errors`, by field.",
    "properties": {
        "type": {"type": "string", "description": "A URN that stays the same between releases."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence that names the remedy."},
        "code": {"type": "string", "description": "The end of `type`, such as `not-found`."},
    },
    "required": ["type", "title", "status", "detail", "code"],
}


# What parts of addresses can be, as `annotator.api.urls` has them.
_SLUG = {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"}
_SUFFIX = {"type": "string", "enum": ["", ".png"]}
_ADDRESS_PARTS: dict[str, dict[str, Any]] = {
    "slug": _SLUG,
    "name": _SLUG,
    "table": _SLUG,
    "suffix": _SUFFIX,
    "kind": {"type": "string", "enum": ["mask", "entropy"]},
    "verb": {"type": "string", "enum": ["approve", "return", "reassign", "reopen"]},
}


def tell_documents(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Adds the schemas of the documents that operations answer with."""
    result["components"].setdefault("schemas", {}).update(document_schemas())
    return result


def tell_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Adds what is answered to a request that cannot be met; it has the same form everywhere."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    refusal = {
        "description": "Why it cannot be done, and what to do.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["4XX"] = refusal
    return result


def tell_address_parts(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Says which values of the parts of an address can be meant: numbers are ids, from 0 on."""
    # The second group of an expression loses its name on the way.
    paths = {path.replace("{var}", "{suffix}"): operations for path, operations in result["paths"].items()}
    result["paths"] = paths
    for operations in paths.values():
        for operation in operations.values():
            for part in operation.get("parameters", ()):
                if part["in"] == "path":
                    part["name"] = "suffix" if part["name"] == "var" else part["name"]
                    number = {"type": "integer", "minimum": 0}
                    part["schema"] = _ADDRESS_PARTS.get(part["name"], number)
    return result
