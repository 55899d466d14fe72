"""Tells each portfolio's exchange day in one text, the morning after."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Sum

from boz.core.agents import AgentResult, guarded
from boz.core.clock import exchange_day, exchange_day_bounds, require_utc
from boz.core.logging import get_logger
from boz.core.models import Level
from boz.core.money import ZERO, format_dollars
from boz.core.schemas import SkippedSubject
from boz.core.services.notifications import notify
from prediction.selectors import SkillSummary, skill_summary
from settlement.models import Digest
from trading.choices import TradeStatus
from trading.models import Decision, Fill, Lock, Portfolio, Trade

log = get_logger("SETTLE")

TOP_REASONS = 5


@dataclass(frozen=True, slots=True)
class _Day:
    """One portfolio's exchange day, start inclusive, end exclusive."""

    portfolio: Portfolio
    day: dt.date
    start: dt.datetime
    end: dt.datetime


def write_digests(*, now: dt.datetime) -> AgentResult:
    """Write the digest of the exchange day that ended last, for every portfolio that existed.

    A day is told once: a second run writes nothing.
    """
    moment = require_utc(now, name="now")
    day = exchange_day(moment) - dt.timedelta(days=1)
    start, end = exchange_day_bounds(day)
    written = 0
    skipped: list[SkippedSubject] = []
    for portfolio in Portfolio.objects.filter(created_at__lt=end).order_by("pk"):
        if Digest.objects.filter(portfolio=portfolio, day=day).exists():
            continue
        with guarded(portfolio.name, skipped, log=log):
            with transaction.atomic():
                _write(_Day(portfolio, day, start, end), now=moment)
            written += 1
    return AgentResult(done={"written": written, "day": day.isoformat()}, skipped=skipped)


def _write(told: _Day, *, now: dt.datetime) -> Digest:
    figures = _figures(told)
    skill = skill_summary(as_of=told.end - dt.timedelta(microseconds=1), since=told.start)
    figures["model_brier"] = skill.paired_model_brier
    figures["market_brier"] = skill.paired_market_brier
    figures["compared_events"] = skill.paired_events
    overall = skill_summary(as_of=told.end - dt.timedelta(microseconds=1))
    title = _title(told, figures)
    body = "\n".join(_lines(figures, skill, overall))
    digest = Digest.objects.create(
        portfolio=told.portfolio,
        day=told.day,
        title=title,
        body=body,
        figures=figures,
        written_at=now,
    )
    notify(
        level=Level.INFO,
        title=title,
        body=body,
        now=now,
        subject_key=f"digest:{told.portfolio.pk}:{told.day}",
    )
    return digest


def _figures(told: _Day) -> dict[str, Any]:
    settled = Trade.objects.filter(
        portfolio=told.portfolio,
        status__in=[TradeStatus.WON, TradeStatus.LOST],
        settled_at__gte=told.start,
        settled_at__lt=told.end,
    )
    count = settled.count()
    won = settled.filter(status=TradeStatus.WON).count()
    pnl = settled.aggregate(total=Sum("pnl_dollars"))["total"] or ZERO
    settled_fees = Fill.objects.filter(order__trade__in=settled)
    bought = Fill.objects.filter(
        order__trade__portfolio=told.portfolio, at__gte=told.start, at__lt=told.end
    )
    spent = bought.aggregate(total=Sum(F("price_dollars") * F("count")))["total"] or ZERO
    return {
        "settled": count,
        "won": won,
        "lost": count - won,
        "hit_rate": won / count if count else None,
        "pnl_dollars": str(pnl),
        "fees_dollars": str(_fees(settled_fees)),
        "bought": bought.values("order__trade").distinct().count(),
        "spent_dollars": str(spent),
        "stand_downs": _stand_downs(told),
        "locks": _locks(told),
    }


def _fees(fills: Any) -> Decimal:
    total: Decimal | None = fills.aggregate(total=Sum("fee_dollars"))["total"]
    return ZERO if total is None else total


def _stand_downs(told: _Day) -> list[dict[str, Any]]:
    """Return the most frequent reasons with the newest sentence of each."""
    counts: Counter[str] = Counter()
    sentences: dict[str, str] = {}
    outcomes = Decision.objects.filter(
        portfolio=told.portfolio, as_of__gte=told.start, as_of__lt=told.end
    ).order_by("as_of")
    for outcome in outcomes.values_list("outcome", flat=True).iterator():
        for item in outcome.get("stand_downs", []):
            counts[item["code"]] += 1
            sentences[item["code"]] = item["reason"]
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [
        {"code": code, "count": count, "example": sentences[code]}
        for code, count in ranked[:TOP_REASONS]
    ]


def _locks(told: _Day) -> list[str]:
    locks = Lock.objects.filter(
        portfolio=told.portfolio, starts_at__gte=told.start, starts_at__lt=told.end
    ).order_by("starts_at", "pk")
    return [lock.reason for lock in locks]


def _title(told: _Day, figures: dict[str, Any]) -> str:
    if not figures["settled"]:
        return f"{told.portfolio.name}, {told.day}: nothing settled"
    pnl = format_dollars(Decimal(figures["pnl_dollars"]))
    return f"{told.portfolio.name}, {told.day}: {figures['settled']} settled, {pnl} after fees"


def _lines(figures: dict[str, Any], skill: SkillSummary, overall: SkillSummary) -> list[str]:
    lines = [_settled_line(figures)]
    spent = format_dollars(Decimal(figures["spent_dollars"]))
    lines.append(f"Bought in {figures['bought']} trades for {spent} before fees.")
    if skill.paired_events:
        lines.append(
            f"Brier over {skill.paired_events} ladders: model {skill.paired_model_brier:.3f}, "
            f"market {skill.paired_market_brier:.3f} (lower is better)."
        )
    else:
        lines.append("No ladder could be compared with the market.")
    lines.append(overall.verdict)
    lines += [f"Locked: {reason}" for reason in figures["locks"]] or ["No locks."]
    if figures["stand_downs"]:
        lines.append("Most frequent reasons not to trade:")
        lines += [
            f"  {item['count']} x {item['code']}, e.g. {item['example']}"
            for item in figures["stand_downs"]
        ]
    return lines


def _settled_line(figures: dict[str, Any]) -> str:
    if not figures["settled"]:
        return "No trade was settled."
    pnl = format_dollars(Decimal(figures["pnl_dollars"]))
    fees = format_dollars(Decimal(figures["fees_dollars"]))
    return (
        f"{figures['settled']} settled trades: {figures['won']} won, {figures['lost']} lost "
        f"(hit rate {figures['hit_rate']:.0%}). Result {pnl} after {fees} in fees."
    )
