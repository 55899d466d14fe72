"""Apply the rules: market by market, in small transactions, each stretch of time once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet

from boz.core.agents import AgentResult, heartbeat
from boz.core.clock import UTC
from boz.core.logging import get_logger
from markets.domain.thinning import start_of_stretch, superfluous
from markets.models import RetentionMark
from markets.services.retention.keepers import needed_moments
from markets.services.retention.rules import RULES, Rule

log = get_logger("MARKET")

#: Rows per statement, so that no lock is held for long.
BATCH = 500
#: Markets whose kept moments are asked for together.
MARKETS_AT_ONCE = 100
_BEGINNING = dt.datetime(1970, 1, 1, tzinfo=UTC)
#: Where a rule removes all, days are the stretches in which it advances.
_DAY = dt.timedelta(days=1)


def apply_retention(*, now: dt.datetime, rules: Sequence[Rule] = RULES) -> AgentResult:
    """Remove what the rules no longer keep; running it again removes nothing more.

    The last row known at any moment that another app needs stays. An interrupted run is taken up
    from the start of what it had not finished.
    """
    done = {rule.name: _apply(rule, now) for rule in rules}
    return AgentResult(done={"removed": sum(done.values()), **done})


def _apply(rule: Rule, now: dt.datetime) -> int:
    until = start_of_stretch(now - rule.after, rule.step or _DAY)
    mark = RetentionMark.objects.filter(rule=rule.name).first()
    since = _BEGINNING if mark is None else mark.applied_until
    if until <= since:
        return 0
    rows = _rows(rule).filter(**{f"{rule.time}__gte": since, f"{rule.time}__lt": until})
    removed = 0
    if rule.step is None:
        while keys := list(rows.order_by().values_list("pk", flat=True)[:BATCH]):
            removed += _delete(rule.model, keys)
    else:
        markets = list(rows.order_by().values_list("market_id", flat=True).distinct())
        for start in range(0, len(markets), MARKETS_AT_ONCE):
            chunk = markets[start : start + MARKETS_AT_ONCE]
            needed = needed_moments(chunk, since, until)
            for market_id in chunk:
                mine = rows.filter(market_id=market_id)
                removed += _thin(rule, rule.step, mine, needed.get(market_id, []))
    RetentionMark.objects.update_or_create(
        rule=rule.name,
        defaults={
            "applied_until": until,
            "removed": removed + (0 if mark is None else mark.removed),
            "last_run_at": now,
        },
    )
    if removed:
        log.info("Old rows are removed", rule=rule.name, rows=removed, until=until)
    return removed


def _thin(
    rule: Rule, step: dt.timedelta, rows: QuerySet[Any], needed: Sequence[dt.datetime]
) -> int:
    found = list(rows.order_by(rule.time, "pk").values_list("pk", rule.time))
    places = superfluous([time for _, time in found], step=step, needed_at=needed)
    keys = [found[place][0] for place in places]
    return sum(
        _delete(rule.model, keys[start : start + BATCH]) for start in range(0, len(keys), BATCH)
    )


def _delete(model: type[Model], keys: Sequence[int]) -> int:
    with transaction.atomic():
        count, _ = _manager(model).filter(pk__in=keys).delete()
    heartbeat()
    return count


def _rows(rule: Rule) -> QuerySet[Any]:
    return _manager(rule.model).filter(rule.only)


def _manager(model: type[Model]) -> QuerySet[Any]:
    return model._default_manager.all()
