"""Who sees and who changes rows of trading."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from boz.core.api.viewsets import ReadViewSet
from trading.models import Portfolio, Trade


class PortfolioScopedViewSet(ReadViewSet):
    """Rows of the portfolios that the caller owns or is a member of; others do not exist."""

    #: Relation from the row to its portfolio.
    portfolio_path = "portfolio"

    def get_queryset(self) -> QuerySet[Any]:
        """Return only what the caller may see."""
        rows = super().get_queryset()
        if getattr(self.request.user, "is_superuser", False):
            return rows
        visible = Portfolio.objects.visible_to(self.request.user).order_by()
        return rows.filter(**{f"{self.portfolio_path}__in": visible.values("pk")})


class MayApprove(BasePermission):
    """Approvers and managers of the trade's portfolio."""

    message = "Only an approver or a manager of the portfolio may decide on its trades."

    def has_object_permission(self, request: Request, view: Any, obj: Trade) -> bool:
        """Ask the portfolio."""
        return obj.portfolio.can_approve(request.user)


class MayManage(BasePermission):
    """Managers of the portfolio."""

    message = "Only a manager of the portfolio may change its limits."

    def has_object_permission(self, request: Request, view: Any, obj: Portfolio) -> bool:
        """Ask the portfolio."""
        return obj.can_manage(request.user)


class MayTurnKillSwitch(BasePermission):
    """Superusers and those with the permission to add a turn."""

    message = "You may not turn the kill switch."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask the user's permissions."""
        return request.user.has_perm("trading.add_killswitch")
