"""Addresses of the trading part of the API."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from trading.api import views

router = SimpleRouter()
router.register("portfolios", views.PortfolioViewSet, basename="api-portfolio")
router.register("portfolio-members", views.PortfolioMemberViewSet, basename="api-portfolio-member")
router.register("strategies", views.StrategyViewSet, basename="api-strategy")
router.register("strategy-events", views.StrategyEventViewSet, basename="api-strategy-event")
router.register("decisions", views.DecisionViewSet, basename="api-decision")
router.register("signals", views.SignalViewSet, basename="api-signal")
router.register("trades", views.TradeViewSet, basename="api-trade")
router.register("orders", views.OrderViewSet, basename="api-order")
router.register("fills", views.FillViewSet, basename="api-fill")
router.register("ledger", views.LedgerEntryViewSet, basename="api-ledger")
router.register("positions", views.PositionViewSet, basename="api-position")
router.register("locks", views.LockViewSet, basename="api-lock")
router.register("kill-switch-turns", views.KillSwitchTurnViewSet, basename="api-kill-switch-turn")
router.register("backtests", views.BacktestViewSet, basename="api-backtest")
router.register("backtest-runs", views.BacktestRunViewSet, basename="api-backtest-run")

urlpatterns = [
    path("kill-switch/", views.KillSwitchView.as_view(), name="api-kill-switch"),
    *router.urls,
]
