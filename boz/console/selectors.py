"""Everything the pages show, gathered in a bounded number of queries."""

from __future__ import annotations

import datetime as dt
import functools
import operator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet, Subquery, Sum

from boz.console.charts import StepChart, step_chart
from boz.console.ladders import Ladder, StandDownLine, ladders, stand_down_lines
from boz.core.errors import DataUnavailable
from boz.core.models import JobRun
from boz.core.services.schedules import scheduled_agents
from markets.models import Event
from prediction.selectors import SkillSummary, skill_summary
from trading import selectors as trading_reads
from trading.models import KillSwitch, Order, Portfolio, Trade
from weather.models import ForecastSource

User = AbstractBaseUser | AnonymousUser

#: Climate days on the overview when none is chosen.
DAYS_SHOWN = 2
TRADES_PER_PAGE = 25


@dataclass(frozen=True, slots=True)
class DayPager:
    """Which climate days are shown, and where to go from there."""

    shown: tuple[dt.date, ...]
    chosen: dt.date | None
    earlier: dt.date | None
    later: dt.date | None


@dataclass(frozen=True, slots=True)
class JobStatus:
    """An agent and its latest run, if it ever ran."""

    name: str
    description: str
    run: JobRun | None


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """The active sources by how they behave; what is wrong is read first."""

    ailing: list[ForecastSource]
    working: list[ForecastSource]
    unasked: list[ForecastSource]

    @property
    def total(self) -> int:
        """Return how many there are."""
        return len(self.ailing) + len(self.working) + len(self.unasked)


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page."""

    portfolios: list[Portfolio]
    portfolio: Portfolio | None
    summary: dict[str, Any]
    skill: SkillSummary
    chart: StepChart | None
    days: DayPager
    ladders: list[Ladder]
    trades: Page[Trade]
    sources: SourceHealth
    jobs: list[JobStatus]
    kill_switch: KillSwitch | None


@dataclass(frozen=True, slots=True)
class TradeDetail:
    """One trade with all that explains it."""

    trade: Trade
    post_mortem: Any
    orders: list[Order]
    stand_downs: tuple[StandDownLine, ...]
    belief: dict[str, Any]


def overview(
    *, user: User, portfolio_id: int | None, day: dt.date | None, trades_page: int, now: dt.datetime
) -> Overview:
    """Return the first page for a user.

    Args:
        user: Sees only their portfolios.
        portfolio_id: The chosen portfolio; None takes the first by name.
        day: The chosen climate day; None shows the latest ones.
        trades_page: Page of the trades, from 1.
        now: The present.

    Raises:
        DataUnavailable: If the chosen portfolio does not exist for this user.
    """
    portfolios = list(Portfolio.objects.visible_to(user).order_by("name"))
    portfolio = _chosen(portfolios, portfolio_id)
    pager = _days(day)
    return Overview(
        portfolios=portfolios,
        portfolio=portfolio,
        summary=trading_reads.portfolio_summary(portfolio, now=now) if portfolio else {},
        skill=skill_summary(as_of=now),
        chart=step_chart(trading_reads.pnl_curve(portfolio)) if portfolio else None,
        days=pager,
        ladders=ladders(days=pager.shown, portfolio=portfolio, now=now),
        trades=Paginator(_trades(portfolio), TRADES_PER_PAGE).get_page(trades_page),
        sources=_source_health(),
        jobs=_jobs(),
        kill_switch=trading_reads.kill_switch(),
    )


def _source_health() -> SourceHealth:
    groups: dict[str, list[ForecastSource]] = {status: [] for status in ForecastSource.Status}
    for source in ForecastSource.objects.filter(is_active=True):
        groups[source.status].append(source)
    status = ForecastSource.Status
    return SourceHealth(
        ailing=groups[status.DOWN] + groups[status.DEGRADED],
        working=groups[status.OK],
        unasked=groups[status.UNKNOWN],
    )


def trade_detail(*, user: User, trade_id: int) -> TradeDetail:
    """Return one trade.

    Raises:
        DataUnavailable: If it does not exist for this user.
    """
    visible = Portfolio.objects.visible_to(user).order_by().values("pk")
    trade = (
        _with_fills(Trade.objects.filter(pk=trade_id, portfolio__in=visible))
        .select_related("decision__prediction", "decided_by", "post_mortem__settlement")
        .first()
    )
    if trade is None:
        raise DataUnavailable("There is no such trade.", {"trade": trade_id})
    markets = list(trade.event.markets.all())
    snapshot = trade.decision.snapshot if isinstance(trade.decision.snapshot, dict) else {}
    return TradeDetail(
        trade=trade,
        post_mortem=getattr(trade, "post_mortem", None),
        orders=list(trade.orders.prefetch_related("fills").order_by("created_at")),
        stand_downs=stand_down_lines(trade.decision, markets),
        belief=snapshot.get("belief") or {},
    )


def _chosen(portfolios: list[Portfolio], portfolio_id: int | None) -> Portfolio | None:
    if portfolio_id is None:
        return portfolios[0] if portfolios else None
    for portfolio in portfolios:
        if portfolio.pk == portfolio_id:
            return portfolio
    raise DataUnavailable("There is no such portfolio.", {"portfolio": portfolio_id})


def _days(day: dt.date | None) -> DayPager:
    every = Event.objects.order_by("-climate_day").values_list("climate_day", flat=True).distinct()
    shown = (day,) if day is not None else tuple(every[:DAYS_SHOWN])
    if not shown:
        return DayPager(shown=(), chosen=None, earlier=None, later=None)
    later = every.filter(climate_day__gt=max(shown)).order_by("climate_day").first()
    return DayPager(
        shown=shown,
        chosen=day,
        earlier=every.filter(climate_day__lt=min(shown)).first(),
        later=later,
    )


def _with_fills(trades: QuerySet[Trade]) -> QuerySet[Trade]:
    """Add what was filled: contracts, cost and fees; null when nothing was."""
    fill = "orders__fills__"
    return trades.select_related(
        "portfolio", "strategy", "market", "event__series__station"
    ).annotate(
        filled_count=Sum(f"{fill}count"),
        filled_cost=Sum(F(f"{fill}price_dollars") * F(f"{fill}count")),
        filled_fees=Sum(f"{fill}fee_dollars"),
    )


def _trades(portfolio: Portfolio | None) -> QuerySet[Trade]:
    rows = Trade.objects.filter(portfolio=portfolio) if portfolio else Trade.objects.none()
    return _with_fills(rows).select_related("post_mortem").order_by("-created_at", "-pk")


def _jobs() -> list[JobStatus]:
    """Return each agent with its latest run, in one query whatever the history's length."""
    agents = scheduled_agents()
    if not agents:
        return []
    latest = [
        Q(
            pk=Subquery(
                JobRun.objects.filter(agent=agent.name)
                .order_by("-started_at", "-pk")
                .values("pk")[:1]
            )
        )
        for agent in agents
    ]
    runs = {run.agent: run for run in JobRun.objects.filter(functools.reduce(operator.or_, latest))}
    return [
        JobStatus(name=agent.name, description=agent.description, run=runs.get(agent.name))
        for agent in agents
    ]
