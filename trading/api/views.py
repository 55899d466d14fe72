"""Read endpoints of trading, and the few writes: each calls one service."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from boz.core.api.serializers import ErrorSerializer
from boz.core.api.viewsets import ReadViewSet
from boz.core.clock import utc_now
from boz.core.schemas import TradeRecord, UserSettings
from trading import selectors
from trading.api import filters, serializers
from trading.api.permissions import (
    MayApprove,
    MayManage,
    MayTurnKillSwitch,
    PortfolioScopedViewSet,
)
from trading.models import (
    Backtest,
    BacktestRun,
    Decision,
    Fill,
    KillSwitch,
    LedgerEntry,
    Lock,
    Order,
    Portfolio,
    PortfolioMember,
    Position,
    Signal,
    Strategy,
    StrategyEvent,
    Trade,
)
from trading.services.approvals import approve_trade, reject_trade
from trading.services.portfolios import change_limits
from trading.services.protections import set_kill_switch

REFUSALS = {
    400: OpenApiResponse(ErrorSerializer, description="The request is not valid."),
    403: OpenApiResponse(ErrorSerializer, description="Your role does not allow this."),
    404: OpenApiResponse(ErrorSerializer, description="There is no such row for you."),
    409: OpenApiResponse(ErrorSerializer, description="Limits or the row's state forbid this."),
}


def _person(request: Request) -> User:
    """Return who asks; the permission classes have let nobody else through."""
    return cast(User, request.user)


class PortfolioViewSet(PortfolioScopedViewSet):
    """Portfolios that you own or are a member of."""

    queryset = Portfolio.objects.select_related("owner", "live_confirmed_by").prefetch_related(
        "stations", "members"
    )
    serializer_class = serializers.PortfolioSerializer
    filterset_fields = ("name", "venue", "mode", "is_active")
    ordering_fields = ("id", "name", "created_at")
    portfolio_path = "pk"

    @extend_schema(responses={200: serializers.PortfolioSummarySerializer, 404: REFUSALS[404]})
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def summary(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return cash, exposure and results as of now."""
        portfolio = self.get_object()
        figures = selectors.portfolio_summary(portfolio, now=utc_now())
        body = serializers.PortfolioSummarySerializer({**figures, "portfolio": portfolio})
        return Response(body.data)

    @extend_schema(responses={200: UserSettings, 404: REFUSALS[404]})
    @action(
        detail=True,
        methods=["get"],
        # APIView has an attribute of that name of its own.
        url_path="settings",
        url_name="settings",
        filter_backends=[],
        pagination_class=None,
    )
    def user_settings(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return mode, limits and cities; a limit of 0 allows nothing, no city means all."""
        return Response(self.get_object().as_settings().model_dump(mode="json"))

    @extend_schema(
        request=serializers.LimitsChangeSerializer,
        responses={200: serializers.PortfolioSerializer, **REFUSALS},
    )
    @action(
        detail=True,
        methods=["patch"],
        permission_classes=[IsAuthenticated, MayManage],
        filter_backends=[],
        pagination_class=None,
    )
    def limits(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change limits; managers only. The reason is kept in the audit trail."""
        portfolio = self.get_object()
        change = serializers.LimitsChangeSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        values = dict(change.validated_data)
        reason = values.pop("reason")
        change_limits(
            portfolio=portfolio, user=_person(request), now=utc_now(), reason=reason, **values
        )
        return Response(self.get_serializer(self.get_object()).data)


class TradeViewSet(PortfolioScopedViewSet):
    """Trades, from proposal to post-mortem."""

    queryset = Trade.objects.select_related(
        "portfolio", "strategy", "event__series__station", "market", "decided_by", "post_mortem"
    )
    serializer_class = serializers.TradeSerializer
    filterset_class = filters.TradeFilter
    ordering_fields = ("id", "created_at", "expected_value_dollars")

    @extend_schema(responses={200: TradeRecord, 404: REFUSALS[404]})
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def record(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return what was bought at which average price, and how it ended."""
        return Response(selectors.trade_record(self.get_object()).model_dump(mode="json"))

    @extend_schema(request=None, responses={200: serializers.TradeSerializer, **REFUSALS})
    @action(
        detail=True,
        methods=["post"],
        permission_classes=[IsAuthenticated, MayApprove],
        filter_backends=[],
        pagination_class=None,
    )
    def approve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Approve a waiting trade; price, limits and age are checked again first."""
        trade = self.get_object()
        approve_trade(trade_id=trade.pk, user=_person(request), now=utc_now())
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        request=serializers.RejectionSerializer,
        responses={200: serializers.TradeSerializer, **REFUSALS},
    )
    @action(
        detail=True,
        methods=["post"],
        permission_classes=[IsAuthenticated, MayApprove],
        filter_backends=[],
        pagination_class=None,
    )
    def reject(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Reject a waiting trade, with a reason."""
        trade = self.get_object()
        rejection = serializers.RejectionSerializer(data=request.data)
        rejection.is_valid(raise_exception=True)
        reject_trade(
            trade_id=trade.pk,
            user=_person(request),
            now=utc_now(),
            reason=rejection.validated_data["reason"],
        )
        return Response(self.get_serializer(self.get_object()).data)


class KillSwitchView(APIView):
    """Turn the kill switch."""

    permission_classes = (IsAuthenticated, MayTurnKillSwitch)

    @extend_schema(
        request=serializers.KillSwitchTurnSerializer,
        responses={
            200: serializers.KillSwitchSerializer,
            **{code: REFUSALS[code] for code in (400, 403, 409)},
        },
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Turn it on or off, with a reason; on means that no order leaves, anywhere."""
        turn = serializers.KillSwitchTurnSerializer(data=request.data)
        turn.is_valid(raise_exception=True)
        switch = set_kill_switch(
            is_on=turn.validated_data["is_on"],
            actor=request.user.get_username(),
            reason=turn.validated_data["reason"],
            now=utc_now(),
        )
        return Response(serializers.KillSwitchSerializer(switch).data)


class KillSwitchTurnViewSet(ReadViewSet):
    """Every turn of the kill switch; the latest is its state."""

    queryset = KillSwitch.objects.all()
    serializer_class = serializers.KillSwitchSerializer
    filterset_fields = ("is_on", "actor")
    ordering_fields = ("id", "at")


class PortfolioMemberViewSet(PortfolioScopedViewSet):
    """Who may do what in your portfolios."""

    queryset = PortfolioMember.objects.select_related("portfolio", "user")
    serializer_class = serializers.PortfolioMemberSerializer
    filterset_fields = ("role",)


class StrategyViewSet(PortfolioScopedViewSet):
    """Strategies of your portfolios."""

    queryset = Strategy.objects.select_related("portfolio")
    serializer_class = serializers.StrategySerializer
    filterset_fields = ("name", "kind", "is_active")
    ordering_fields = ("id", "name")


class StrategyEventViewSet(PortfolioScopedViewSet):
    """What happened to your strategies."""

    queryset = StrategyEvent.objects.select_related("strategy")
    serializer_class = serializers.StrategyEventSerializer
    filterset_class = filters.StrategyEventFilter
    ordering_fields = ("id", "at")
    portfolio_path = "strategy__portfolio"


class DecisionViewSet(PortfolioScopedViewSet):
    """What the kernel saw and decided."""

    queryset = Decision.objects.select_related("portfolio", "event__series__station")
    serializer_class = serializers.DecisionSerializer
    filterset_class = filters.DecisionFilter
    ordering_fields = ("id", "as_of")


class SignalViewSet(PortfolioScopedViewSet):
    """What the strategies made of each market."""

    queryset = Signal.objects.select_related("market")
    serializer_class = serializers.SignalSerializer
    filterset_class = filters.SignalFilter
    portfolio_path = "decision__portfolio"


class OrderViewSet(PortfolioScopedViewSet):
    """Orders."""

    queryset = Order.objects.select_related("trade__market", "trade__portfolio")
    serializer_class = serializers.OrderSerializer
    filterset_class = filters.OrderFilter
    ordering_fields = ("id", "created_at")
    portfolio_path = "trade__portfolio"


class FillViewSet(PortfolioScopedViewSet):
    """Fills."""

    queryset = Fill.objects.select_related("order__trade__market")
    serializer_class = serializers.FillSerializer
    filterset_class = filters.FillFilter
    ordering_fields = ("id", "at")
    portfolio_path = "order__trade__portfolio"


class LedgerEntryViewSet(PortfolioScopedViewSet):
    """Where every dollar went."""

    queryset = LedgerEntry.objects.select_related("portfolio")
    serializer_class = serializers.LedgerEntrySerializer
    filterset_class = filters.LedgerEntryFilter
    ordering_fields = ("id", "at", "amount_dollars")


class PositionViewSet(PortfolioScopedViewSet):
    """Contracts held."""

    queryset = Position.objects.select_related("portfolio", "market__event")
    serializer_class = serializers.PositionSerializer
    filterset_class = filters.PositionFilter


class LockViewSet(PortfolioScopedViewSet):
    """Protections, past and present."""

    queryset = Lock.objects.select_related("portfolio")
    serializer_class = serializers.LockSerializer
    filterset_class = filters.LockFilter
    ordering_fields = ("id", "starts_at", "until")


class BacktestViewSet(ReadViewSet):
    """Questions asked of the recorded past."""

    queryset = Backtest.objects.all()
    serializer_class = serializers.BacktestSerializer
    filterset_fields = ("name", "strategy_kind")
    ordering_fields = ("id", "created_at", "name")


class BacktestRunViewSet(ReadViewSet):
    """Answers; every run counts as a trial."""

    queryset = BacktestRun.objects.select_related("backtest")
    serializer_class = serializers.BacktestRunSerializer
    filterset_fields = ("backtest",)
    ordering_fields = ("id", "started_at")
