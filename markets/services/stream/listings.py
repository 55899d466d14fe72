"""What the stream tells of markets and events, taken over at once; the sync proves it later.

Only what may stop or move trading is taken from here: whether a market is open, when it closes, its
price grid, and that its terms have changed. Results and settlement are read with the listings.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from boz.core.errors import InvalidDataError
from boz.core.logging import get_logger
from markets.clients.kalshi_stream.messages import FeeUpdateBody, LifecycleBody
from markets.models import Event, FeeSchedule, Market
from markets.services.stream.harvest import ListingBody, Received

log = get_logger("MARKET")

#: The state that an event of a market's life leads to, and those that it may follow.
_STATES: dict[str, tuple[Market.Status, frozenset[str]]] = {
    "activated": (
        Market.Status.ACTIVE,
        frozenset({Market.Status.INITIALIZED, Market.Status.INACTIVE}),
    ),
    "deactivated": (
        Market.Status.INACTIVE,
        frozenset({Market.Status.INITIALIZED, Market.Status.ACTIVE}),
    ),
    "determined": (
        Market.Status.DETERMINED,
        frozenset(
            {
                Market.Status.INITIALIZED,
                Market.Status.ACTIVE,
                Market.Status.INACTIVE,
                Market.Status.CLOSED,
            }
        ),
    ),
    "settled": (
        Market.Status.FINALIZED,
        frozenset(set(Market.Status.values) - {Market.Status.FINALIZED}),
    ),
}
_OPEN_EVENTS = (Event.Status.OPEN, Event.Status.CLOSED)
_TERMS = frozenset(
    {"rules_primary", "rules_secondary", "strike_type", "floor_strike", "cap_strike"}
    | {"custom_strike", "event_ticker"}
)
_FEE_STEP = Decimal("0.0001")
_FEE_TYPE_CHARS = 60
CHANGED_TERMS = (
    "The exchange changed the terms of {ticker}; nothing trades here until the next sync has "
    "proven the ladder."
)


def apply_listing(news: Received[ListingBody]) -> bool:
    """Take over one piece of news; the same one again changes nothing.

    Args:
        news: What was received, and when.

    Returns:
        Whether it changed something that is stored.

    Raises:
        InvalidDataError: If it cannot be true; nothing is changed.
    """
    body = news.body
    if isinstance(body, FeeUpdateBody):
        return _record_fee(body, news.at)
    market = Market.objects.select_related("event").filter(ticker=body.market_ticker).first()
    if market is None:
        return False
    if _TERMS & _stated(body).keys():
        return _quarantine(market)
    changed = _changes(market, body)
    if not changed:
        return False
    market.updated_at = news.at
    market.save(update_fields=[*changed, "updated_at"])
    log.info("The exchange's stream tells", market=market.ticker, what=body.event_type)
    return True


def _changes(market: Market, body: LifecycleBody) -> list[str]:
    """Put what the news says on the market; return the fields that it changed."""
    values: dict[str, object] = {}
    state = _STATES.get(body.event_type)
    if state is not None and market.status in state[1]:
        values["status"] = state[0]
    if body.event_type == "close_date_updated":
        values["close_time"] = _close_time(market, body)
    if body.event_type == "price_level_structure_updated" and body.price_ranges:
        values["price_ranges"] = [part.as_json() for part in body.price_ranges]
    changed = [name for name, value in values.items() if getattr(market, name) != value]
    for name in changed:
        setattr(market, name, values[name])
    return changed


def _close_time(market: Market, body: LifecycleBody) -> dt.datetime:
    if body.close_ts is None:
        raise InvalidDataError(
            "The exchange moved a close without saying when to.", {"market": market.ticker}
        )
    close = dt.datetime.fromtimestamp(body.close_ts, tz=dt.UTC)
    if close <= market.open_time:
        raise InvalidDataError(
            "The exchange moved a close to before the opening.",
            {"market": market.ticker, "close": close.isoformat()},
        )
    return close


def _stated(body: LifecycleBody) -> dict[str, object]:
    """Return the terms that a change of metadata states, wherever the exchange put them."""
    if body.event_type != "metadata_updated":
        return {}
    own = {name: getattr(body, name) for name in _TERMS & set(LifecycleBody.model_fields)}
    stated = {name: value for name, value in own.items() if value is not None}
    return {**(body.additional_metadata or {}), **stated}


def _quarantine(market: Market) -> bool:
    reason = CHANGED_TERMS.format(ticker=market.ticker)
    changed = Event.objects.filter(pk=market.event_id, status__in=_OPEN_EVENTS).update(
        status=Event.Status.QUARANTINED, quarantine_reason=reason
    )
    if changed:
        log.warning("An event is quarantined", event=market.event.ticker, reason=reason)
    return bool(changed)


def _record_fee(body: FeeUpdateBody, at: dt.datetime) -> bool:
    event = Event.objects.select_related("series").filter(ticker=body.event_ticker).first()
    if event is None:
        return False
    fee_type, multiplier = body.fee_type_override or "", body.fee_multiplier_override
    if len(fee_type) > _FEE_TYPE_CHARS or not _is_multiplier(multiplier):
        raise InvalidDataError(
            f"The exchange states a fee '{fee_type[:80]}' x {multiplier}, which makes no sense.",
            {"event": event.ticker},
        )
    known = event.fee_schedules.filter(withdrawn_at__isnull=True, effective_from__lte=at)
    latest = known.order_by("-effective_from").first()
    stated = ("", None) if latest is None else (latest.fee_type, latest.multiplier)
    if stated == (fee_type, multiplier):
        return False
    FeeSchedule.objects.create(
        series=event.series,
        event=event,
        fee_type=fee_type,
        multiplier=multiplier,
        effective_from=at,
        available_at=at,
    )
    log.warning(
        "The exchange has changed a fee",
        subject=event.ticker,
        before=f"{stated[0] or 'usual type'} x {stated[1] or 'usual'}",
        after=f"{fee_type or 'usual type'} x {'usual' if multiplier is None else multiplier}",
    )
    return True


def _is_multiplier(value: Decimal | None) -> bool:
    return value is None or (0 <= value < 1000 and value == value.quantize(_FEE_STEP))
