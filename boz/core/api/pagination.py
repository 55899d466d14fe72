"""One way to page through rows, stable while new ones arrive."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class RowCursorPagination(CursorPagination):
    """Newest row first; a cursor never skips or repeats a row when others are added."""

    ordering = "-id"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 500
