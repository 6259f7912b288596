"""Rows as CSV, sent while they are read."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse


def csv_response(
    filename: str, columns: Iterable[str], rows: Iterable[dict[str, Any]]
) -> StreamingHttpResponse:
    """The rows as CSV, one at a time. None of them is a formula to a spreadsheet."""
    names = list(columns)

    def lines() -> Iterator[str]:
        writer = csv.writer(_Echo())
        yield writer.writerow(names)
        for row in rows:
            yield writer.writerow([harmless(row[name]) for name in names])

    return StreamingHttpResponse(
        lines(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


class _Echo:
    """A file that gives back what is written, for the csv module has no other way to make a line."""

    def write(self, line: str) -> str:
        return line


def harmless(value: Any) -> Any:
    """The value, with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
