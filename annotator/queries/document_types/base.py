"""What all documents have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

# The standard library's can be read for their types from Python 3.12 on.
from typing_extensions import TypedDict

Box = Annotated[list[float], Field(min_length=4, max_length=4)]
"""West, south, east, north in degrees."""
Facts = dict[str, Any]


class Document(TypedDict):
    """A document has the members that are named, all of them, and no others."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]
