"""One way to page through rows, stable while new ones arrive."""

from __future__ import annotations

from typing import Any

from rest_framework.pagination import CursorPagination


class RowCursorPagination(CursorPagination):
    """Newest row first; a cursor never skips or repeats a row when others are added."""

    ordering = "-id"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 500
    #: Rows that share the ordered value are told apart by an offset; a station may have many
    #: thousands of one climate day, and a lower cut would hand out the same page for ever.
    offset_cutoff = 1_000_000

    def get_ordering(self, request: Any, queryset: Any, view: Any) -> tuple[str, ...]:
        """Return the ordering, with the row's identity last so that ties keep their order."""
        ordering = tuple(super().get_ordering(request, queryset, view))
        if ordering[-1].lstrip("-") in ("id", "pk"):
            return ordering
        return (*ordering, "-id")
