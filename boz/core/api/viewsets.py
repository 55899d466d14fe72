"""The base of every read endpoint."""

from __future__ import annotations

from rest_framework.permissions import BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.viewsets import ReadOnlyModelViewSet


class ReadViewSet(ReadOnlyModelViewSet):
    """List and detail of one model, for any user who is logged in."""

    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated,)
    #: Only columns that are never null may be ordered by: a cursor cannot stand on nothing.
    ordering_fields: tuple[str, ...] = ("id",)


class StaffReadViewSet(ReadViewSet):
    """The same, for staff only."""

    permission_classes = (IsAdminUser,)
