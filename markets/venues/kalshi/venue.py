"""The exchange as a venue.

A write is sent once. What became of it is believed when the exchange's own lists show it; anything
that is not proven is reported as unknown, and whoever asks keeps the exposure reserved.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from django.conf import settings

from boz.core.errors import (
    BozBaseException,
    InvalidOrderError,
    OperatorActionRequired,
    TransientError,
)
from boz.core.logging import get_logger
from boz.core.schemas import Side
from markets.clients.kalshi.account import ExchangeOrder
from markets.clients.kalshi.errors import NotListed
from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.orders import NewOrder
from markets.clients.kalshi.outcomes import (
    CreateOutcome,
    DuplicateClientOrderId,
    OrderAccepted,
    OrderRefused,
    OutcomeUnknown,
)
from markets.clients.kalshi.trading import KalshiTradingClient
from markets.models import ExchangeAccount
from markets.selectors import trading_pause
from markets.venues.base import (
    AccountFill,
    AccountOrder,
    AccountPosition,
    PlacedOrder,
    VenueOrder,
    VenueReport,
)
from markets.venues.checks import market_of, require_not_paused, require_order
from markets.venues.kalshi.connection import Connection
from markets.venues.kalshi.evidence import (
    MarketAccount,
    once,
    read_market,
    require_absent,
    require_complete,
    whole,
    whole_positions,
)
from markets.venues.kalshi.translation import (
    as_account_fill,
    as_account_order,
    as_new_order,
    as_report,
    differences,
)

log = get_logger("ORDER")

Result = TypeVar("Result")

#: Waits before each look for an order whose fate is not known yet, seconds: the exchange's lists
#: lag its matching. Whoever is at work waits no longer than this; the rest is reconciling.
LOOKS: tuple[float, ...] = (0.0, 0.1, 0.3, 0.6, 1.0, 1.5)
#: No further look begins later than this, seconds: an exchange that does not answer is not waited
#: for again and again.
LOOK_SECONDS = 5.0
#: An order that has not left by then, seconds, is given up: what it was decided on has moved, and a
#: kill switch may have been turned on since it was last looked at.
SEND_SECONDS = 15.0


class KalshiVenue:
    """Sends orders to the exchange's demo or to the real exchange.

    Args:
        name: ``demo`` or ``live``.
        connection: The account's keys at work.
        market_data: Public reads of the same exchange.
        may_place: False for whoever only looks or takes back.
        sleep: Waits between looks; replaced in tests.
        monotonic: Clock for the looks; replaced in tests.
    """

    def __init__(
        self,
        *,
        name: str,
        connection: Connection,
        market_data: KalshiMarketData,
        may_place: bool = True,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what is needed; nothing is sent yet."""
        self.name = name
        self._connection = connection
        self._market_data = market_data
        self._may_place = may_place
        self._sleep, self._monotonic = sleep, monotonic

    # --- orders -----------------------------------------------------------------------------------

    def place(self, *, order: VenueOrder, now: dt.datetime) -> VenueReport:
        """Send an order once, and find out what became of it as far as that is quickly known."""
        deadline = self._monotonic() + SEND_SECONDS
        try:
            self._require_permission()
            require_not_paused(order)
            require_order(order, market_of(order), now)
            _require_exchange_open(now)
            # What raises here had no effect at the exchange; what it did comes as an outcome.
            outcome = self._create(as_new_order(order), now, deadline)
        except BozBaseException as error:
            return _refused(error.message)
        if isinstance(outcome, OrderRefused):
            return _refused(str(outcome))
        if isinstance(outcome, OrderAccepted):
            return self._after_acceptance(order, outcome, now)
        reason = _why_unknown(outcome)
        log.error(
            "The answer to an order does not tell what became of it",
            client_order_id=order.client_order_id,
            reason=reason,
        )
        return self._look_for(order, reason, now)

    def cancel(self, *, placed: PlacedOrder, now: dt.datetime) -> VenueReport:
        """Take back what still rests; what counts is what the lists show afterwards.

        A cancel that finds no order any more is no error: it was filled, or had ended already.
        """
        report = self._asked(placed, now)
        if report is None:
            return _unknown("The order is not listed, so it could not be cancelled.")
        if report.status != "resting":
            return report
        order_id, ticker = report.venue_order_id, placed.order.market_ticker
        try:
            outcome = self._connection.use(
                lambda client: client.cancel_order(order_id, ticker=ticker), now=now
            )
        except BozBaseException as error:
            return _unknown(f"The order still rests. {error.message}", order_id)
        found = PlacedOrder(placed.order, placed.placed_at, order_id)
        return self._settled(found, now, lambda seen: seen.status != "resting") or _unknown(
            f"The order was not seen cancelled. {outcome}", order_id
        )

    def orders(self, *, placed: Sequence[PlacedOrder], now: dt.datetime) -> dict[str, VenueReport]:
        """Return what the exchange's lists prove of each order; one left out is proven absent."""
        reports = {item.order.client_order_id: self._asked(item, now) for item in placed}
        return {name: report for name, report in reports.items() if report is not None}

    # --- account ----------------------------------------------------------------------------------

    def fills(self, *, since: dt.datetime, now: dt.datetime) -> tuple[AccountFill, ...]:
        """Return every fill of the account since a moment, oldest first, from both tiers."""
        listed = [
            *whole(self._read(lambda client: client.fills(since=since), now)),
            *whole(self._read(lambda client: client.historical_fills(), now)),
        ]
        found = [as_account_fill(fill, venue=self.name) for fill in once(listed)]
        wanted = [item for item in found if item.fill.at >= since]
        return tuple(sorted(wanted, key=lambda item: (item.fill.at, item.fill.venue_trade_id)))

    def resting(self, *, now: dt.datetime) -> tuple[AccountOrder, ...]:
        """Return every order of the account that may still be filled."""
        listed = whole(self._read(lambda client: client.orders(status="resting"), now))
        return tuple(as_account_order(item) for item in listed)

    def positions(self, *, now: dt.datetime) -> tuple[AccountPosition, ...]:
        """Return the contracts held in markets that are not settled."""
        found = self._read(lambda client: client.positions(), now)
        return tuple(
            AccountPosition(
                market_ticker=item.ticker,
                side=Side.YES if item.position_fp > 0 else Side.NO,
                count=abs(item.position_fp),
            )
            for item in whole_positions(found)
            if item.position_fp != 0
        )

    def balance_dollars(self, *, now: dt.datetime) -> Decimal:
        """Return the cash of the account."""
        return self._read(lambda client: client.balance(), now).balance_dollars

    # --- how --------------------------------------------------------------------------------------

    def _require_permission(self) -> None:
        """Refuse to place whatever way this venue was come by."""
        if not self._may_place:
            raise OperatorActionRequired("This was opened to look at orders, not to place any.")
        if self.name == ExchangeAccount.Environment.LIVE and not settings.BOZ_ALLOW_LIVE:
            raise OperatorActionRequired("Real money is switched off on this installation.")

    def _after_acceptance(
        self, order: VenueOrder, accepted: OrderAccepted, now: dt.datetime
    ) -> VenueReport:
        """Return an accepted order with its fills, once the lists show what the answer told."""
        placed = PlacedOrder(order, now, accepted.order_id)
        rests = order.time_in_force == "good_till_canceled"
        return self._settled(
            placed,
            now,
            lambda seen: (
                seen.filled_count >= accepted.fill_count and (rests or seen.status != "resting")
            ),
        ) or _unknown(
            "The exchange accepted the order and its lists do not show it whole yet.",
            accepted.order_id,
        )

    def _look_for(self, order: VenueOrder, reason: str, now: dt.datetime) -> VenueReport:
        """Look for an order whose answer proved nothing; what is not found stays unknown.

        Absence is never concluded here: the request may still be on its way.
        """
        return self._settled(PlacedOrder(order, now), now, lambda _: True) or _unknown(reason)

    def _settled(
        self, placed: PlacedOrder, now: dt.datetime, is_enough: Callable[[VenueReport], bool]
    ) -> VenueReport | None:
        """Look several times until the lists show enough; None when they do not."""
        deadline = self._monotonic() + LOOK_SECONDS
        for seconds in LOOKS:
            if seconds:
                self._sleep(seconds)
            if self._monotonic() > deadline:
                break
            try:
                report = self._found(placed, now)
            except BozBaseException as error:
                log.warning(
                    "An order could not be looked up",
                    client_order_id=placed.order.client_order_id,
                    reason=error.message,
                )
                if isinstance(error, OperatorActionRequired):
                    return None
                continue
            if report is not None and (report.outcome == "unknown" or is_enough(report)):
                return report
        return None

    def _asked(self, placed: PlacedOrder, now: dt.datetime) -> VenueReport | None:
        """Return what the lists prove of an order; None when they prove its absence."""
        try:
            return self._proven(placed, now)
        except BozBaseException as error:
            return _unknown(error.message, placed.venue_order_id)

    def _proven(self, placed: PlacedOrder, now: dt.datetime) -> VenueReport | None:
        read_as_of = self._market_data.user_data_as_of()
        found = self._by_identity(placed, now)
        if found is not None:
            return found

        def ask(client: KalshiTradingClient) -> VenueReport | None:
            account = read_market(client, placed.order.market_ticker)
            report = self._among(placed.order, account)
            if report is None:
                self._connection.require_same_account(client, list(account.orders.values()))
                require_absent(client, account, placed_at=placed.placed_at, read_as_of=read_as_of)
            return report

        return self._read(ask, now)

    def _found(self, placed: PlacedOrder, now: dt.datetime) -> VenueReport | None:
        """Return an order that is listed, with all its fills; None when it is not listed.

        Raises:
            BozBaseException: If the lists could not be read whole.
        """
        ticker = placed.order.market_ticker
        return self._by_identity(placed, now) or self._among(
            placed.order, self._read(lambda client: read_market(client, ticker), now)
        )

    def _by_identity(self, placed: PlacedOrder, now: dt.datetime) -> VenueReport | None:
        """Return an order whose identity at the exchange is known, unless it left this tier."""
        order_id = placed.venue_order_id
        if not order_id:
            return None
        try:
            theirs = self._read(lambda client: client.order(order_id), now)
        except NotListed:
            return None
        self._connection.recognise([theirs])
        listed = whole(self._read(lambda client: client.fills(order_id=order_id), now))
        fills = [fill for fill in once(listed) if fill.order_id == order_id]
        require_complete(theirs, fills)
        return _same_or_unknown(placed.order, theirs) or as_report(theirs, fills, venue=self.name)

    def _among(self, order: VenueOrder, account: MarketAccount) -> VenueReport | None:
        found = account.ours(order.client_order_id)
        self._connection.recognise(found)
        if not found:
            return None
        if len(found) > 1:
            return _unknown(f"The exchange shows {len(found)} orders under one identity of ours.")
        (theirs,) = found
        return _same_or_unknown(order, theirs) or as_report(
            theirs, account.fills_of(theirs), venue=self.name
        )

    def _create(self, order: NewOrder, now: dt.datetime, deadline: float) -> CreateOutcome:
        """Send an order once; a key that is turned away had no effect, so the other one may try."""
        self._connection.try_out(now=now)
        if self._monotonic() > deadline:
            raise TransientError(
                "The exchange took too long to accept our key, so nothing was sent."
            )
        return self._connection.use(lambda client: client.create_order(order), now=now)

    def _read(self, ask: Callable[[KalshiTradingClient], Result], now: dt.datetime) -> Result:
        return self._connection.use(ask, now=now)


def _require_exchange_open(now: dt.datetime) -> None:
    """Refuse while the exchange does not trade, or nobody knows whether it does.

    Raises:
        InvalidOrderError: Saying why.
    """
    pause = trading_pause(as_of=now, needs_status=True)
    if pause is not None:
        raise InvalidOrderError(f"{pause.reason} Nothing was sent.")


def _same_or_unknown(order: VenueOrder, theirs: ExchangeOrder) -> VenueReport | None:
    """Return that nothing is known when the exchange's order is not the one that was sent."""
    found = differences(order, theirs)
    if not found:
        return None
    sentence = f"The exchange's order is not the one we sent: {'; '.join(found)}."
    log.error(sentence, client_order_id=order.client_order_id, order_id=theirs.order_id)
    return _unknown(sentence, theirs.order_id)


def _refused(reason: str) -> VenueReport:
    return VenueReport("rejected", "", "rejected", (), reason)


def _unknown(reason: str, venue_order_id: str = "") -> VenueReport:
    return VenueReport("unknown", venue_order_id, "unknown", (), reason)


def _why_unknown(outcome: DuplicateClientOrderId | OutcomeUnknown) -> str:
    if isinstance(outcome, OutcomeUnknown):
        return outcome.reason
    return f"The exchange has an order under this identity already: {outcome.message}"
