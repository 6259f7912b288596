"""Cursor pagination: a page costs the same wherever it is in the list."""

import re
from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination


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
