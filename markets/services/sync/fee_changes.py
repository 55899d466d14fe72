"""Changes of fees that the exchange has announced, known before they are in force.

Only what lies ahead is taken: what is in force already is read with its series or event. An
announcement that is corrected or no longer made stays, with the moment at which we learned so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from boz.core.agents import AgentResult
from boz.core.errors import (
    BozBaseException,
    DataUnavailable,
    InvalidDataError,
    OperatorActionRequired,
    TransientError,
)
from boz.core.logging import get_logger
from boz.core.schemas import SkippedSubject
from markets.clients.kalshi import KalshiMarketData, Listing
from markets.clients.kalshi.objects import EventFeeChange, SeriesFeeChange
from markets.models import Event, FeeSchedule, Series
from markets.selectors import known_fees
from markets.services.sync.events import LISTABLE
from markets.services.sync.fees import Terms, is_absurd, refusal

log = get_logger("MARKET")

_ID_CHARS = 80
_UNREAD = (TransientError, DataUnavailable, InvalidDataError, OperatorActionRequired)


@dataclass(frozen=True, slots=True)
class _Announced:
    """One change of a fee of ours."""

    change_id: str
    series: Series
    event: Event | None
    terms: Terms
    effective_from: dt.datetime

    @property
    def subject(self) -> str:
        return self.series.ticker if self.event is None else self.event.ticker

    def is_as(self, row: FeeSchedule) -> bool:
        """Say whether a row says the same."""
        return (
            row.series_id == self.series.pk
            and row.event_id == (None if self.event is None else self.event.pk)
            and (row.fee_type, row.multiplier) == self.terms
            and row.effective_from == self.effective_from
        )


def sync_fee_changes(*, now: dt.datetime, client: KalshiMarketData) -> AgentResult:
    """Store announced changes of the fees of our series and open events.

    Series and events are read independently: what cannot be read is left out with its reason, and
    nothing counts as taken back because of it.
    """
    skipped: list[SkippedSubject] = []
    of_series = _read_series(client, skipped)
    of_events = _read_events(client, skipped)
    with transaction.atomic():
        announced = withdrawn = 0
        if of_series is not None:
            found, odd = _series_changes(of_series.items, now)
            skipped.extend([*of_series.refused, *odd])
            added, gone = _write(found, is_whole=of_series.is_evidence, of_events=False, now=now)
            announced, withdrawn = announced + added, withdrawn + gone
        if of_events is not None:
            found, odd = _event_changes(of_events.items, now)
            skipped.extend([*of_events.refused, *odd])
            added, gone = _write(found, is_whole=of_events.is_evidence, of_events=True, now=now)
            announced, withdrawn = announced + added, withdrawn + gone
    return AgentResult(
        done={"fees_announced": announced, "fees_withdrawn": withdrawn}, skipped=skipped
    )


def _read_series(
    client: KalshiMarketData, skipped: list[SkippedSubject]
) -> Listing[SeriesFeeChange] | None:
    try:
        return client.series_fee_changes()
    except _UNREAD as error:
        skipped.append(_unread("series fee changes", error))
        return None


def _read_events(
    client: KalshiMarketData, skipped: list[SkippedSubject]
) -> Listing[EventFeeChange] | None:
    try:
        return client.event_fee_changes()
    except _UNREAD as error:
        skipped.append(_unread("event fee changes", error))
        return None


def _unread(subject: str, error: BozBaseException) -> SkippedSubject:
    context = {key: error.context[key] for key in ("status", "url") if key in error.context}
    return SkippedSubject(subject=subject, reason=error.message, context=context)


def _series_changes(
    changes: Iterable[SeriesFeeChange], now: dt.datetime
) -> tuple[list[_Announced], list[SkippedSubject]]:
    ahead = [change for change in changes if change.scheduled_ts > now]
    names = {change.series_ticker for change in ahead}
    ours = {row.ticker: row for row in Series.objects.filter(ticker__in=names)}
    return _sensible(
        _Announced(
            change.id[:_ID_CHARS],
            ours[change.series_ticker],
            None,
            (change.fee_type, change.fee_multiplier),
            change.scheduled_ts,
        )
        for change in ahead
        if change.series_ticker in ours
    )


def _event_changes(
    changes: Iterable[EventFeeChange], now: dt.datetime
) -> tuple[list[_Announced], list[SkippedSubject]]:
    ahead = [change for change in changes if change.scheduled_ts > now]
    events = Event.objects.filter(
        ticker__in={change.event_ticker for change in ahead}, status__in=LISTABLE
    )
    ours = {event.ticker: event for event in events.select_related("series")}
    return _sensible(
        _Announced(
            change.id[:_ID_CHARS],
            ours[change.event_ticker].series,
            ours[change.event_ticker],
            (change.fee_type_override or "", change.fee_multiplier_override),
            change.scheduled_ts,
        )
        for change in ahead
        if change.event_ticker in ours
    )


def _sensible(
    changes: Iterable[_Announced],
) -> tuple[list[_Announced], list[SkippedSubject]]:
    good, odd = [], []
    for change in changes:
        if is_absurd(change.terms):
            odd.append(refusal(change.subject, change.terms))
        else:
            good.append(change)
    return good, odd


def _write(
    changes: list[_Announced], *, is_whole: bool, of_events: bool, now: dt.datetime
) -> tuple[int, int]:
    """Store what is new and end what no longer holds; return how many of each."""
    rows = list(
        known_fees(as_of=now)
        .filter(effective_from__gt=now, event__isnull=not of_events)
        .select_related("series", "event")
    )
    held = {row.change_id: row for row in rows}
    wanted = {change.change_id: change for change in changes}
    new = [change for change in wanted.values() if not _is_held(change, held)]
    ended = [
        row
        for row in rows
        if (row.change_id in wanted and not wanted[row.change_id].is_as(row))
        or (row.change_id not in wanted and is_whole)
        or any(_takes_the_place(change, row) for change in new)
    ]
    for row in ended:
        log.warning("An announced fee will not come", fee=str(row), at=row.effective_from)
    FeeSchedule.objects.filter(pk__in=[row.pk for row in ended]).update(withdrawn_at=now)
    FeeSchedule.objects.bulk_create([_row(change, now) for change in new], ignore_conflicts=True)
    for change in new:
        log.warning(
            "The exchange has announced a fee",
            subject=change.subject,
            fee=f"{change.terms[0] or 'usual'} x {change.terms[1]}",
            at=change.effective_from,
        )
    return len(new), len(ended)


def _is_held(change: _Announced, held: dict[str, FeeSchedule]) -> bool:
    row = held.get(change.change_id)
    return row is not None and change.is_as(row)


def _takes_the_place(change: _Announced, row: FeeSchedule) -> bool:
    """Say whether a row is for the same subject and moment."""
    return (
        row.series_id == change.series.pk
        and row.event_id == (None if change.event is None else change.event.pk)
        and row.effective_from == change.effective_from
    )


def _row(change: _Announced, now: dt.datetime) -> FeeSchedule:
    return FeeSchedule(
        series=change.series,
        event=change.event,
        fee_type=change.terms[0],
        multiplier=change.terms[1],
        effective_from=change.effective_from,
        available_at=now,
        change_id=change.change_id,
    )
