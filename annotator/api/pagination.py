"""Cursor pagination: a page costs the same wherever it is in the list."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response


class NewestFirst(CursorPagination):
    ordering = "-id"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000

    def decode_cursor(self, request: Any) -> Any:
        """The cursor, which must point at an id: anything else was not made by `next` or `previous`."""
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and not re.fullmatch(r"[0-9]{1,18}", cursor.position):
            raise NotFound(self.invalid_cursor_message)
        return cursor


def page_of(request: Request, rows: QuerySet[Any], document: Callable[[Any], Any]) -> Response:
    """The page of the rows that the request asks for, each as its document."""
    return page_of_many(request, rows, lambda page: [document(row) for row in page])


def page_of_many(
    request: Request, rows: QuerySet[Any], documents: Callable[[Sequence[Any]], list[Any]]
) -> Response:
    """Likewise, where documents are made together."""
    pages = NewestFirst()
    return pages.get_paginated_response(documents(pages.paginate_queryset(rows, request) or ()))
