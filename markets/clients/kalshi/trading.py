"""An account at the exchange: its orders, fills, positions and cash (V2 REST, with a key).

Reads may be repeated and raise. A write is sent exactly once and *returns* how it ended, as one of
the types of :mod:`markets.clients.kalshi.outcomes`; when it *raises* a
:class:`~boz.core.errors.BozBaseException`, it had no effect at the exchange: it was refused here,
never left, or was turned away at the door with the key.
"""

from __future__ import annotations

import datetime as dt
import random as _random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx

from boz.core.clock import utc_now
from boz.core.errors import (
    BozBaseException,
    InvalidDataError,
    InvalidOrderError,
    OperatorActionRequired,
    TransientError,
)
from boz.core.http import HttpTransport
from boz.core.logging import get_logger
from boz.core.schemas import SkippedSubject
from boz.core.service_client import ServiceClient
from markets.clients.kalshi import budget as endpoints
from markets.clients.kalshi import outcomes
from markets.clients.kalshi.account import (
    AccountLimits,
    ApiKey,
    Balance,
    EndpointCostList,
    EventPosition,
    ExchangeFill,
    ExchangeOrder,
    ExchangeSettlement,
    MarketPosition,
    OneQueuePosition,
    OrderGroup,
    OrderGroupDetail,
    QueuePosition,
    RestingValue,
)
from markets.clients.kalshi.budget import AccountBudget, Endpoint, EndpointCosts, shared_budget
from markets.clients.kalshi.errors import no_right, told_to_key
from markets.clients.kalshi.listing import (
    Listing,
    listing,
    member,
    members,
    paged_members,
    pages,
)
from markets.clients.kalshi.market_data import PER_PAGE, SOURCE, STATUS_ANSWERS, seconds
from markets.clients.kalshi.objects import ExchangeStatus
from markets.clients.kalshi.orders import (
    Amendment,
    Cancellation,
    NewOrder,
    count_text,
    require_name,
    without_none,
)
from markets.clients.kalshi.outcomes import (
    AmendOutcome,
    CancelOutcome,
    CreateOutcome,
    DecreaseOutcome,
    GroupCreateOutcome,
    GroupOutcome,
    NoAnswer,
    OutcomeUnknown,
    Reply,
)
from markets.clients.kalshi.sender import Sender, SignedRequests
from markets.clients.kalshi.server_clock import ServerClock
from markets.clients.kalshi.signing import Signer
from markets.clients.kalshi.wire import ExchangeObject, read_object

log = get_logger("ORDER")

#: How long a write may wait for its tokens before it is given up unsent.
MAX_WAIT_SECONDS: Final = 5.0
#: Shorter waits may be lost in rounding and never end.
MIN_SLEEP_SECONDS: Final = 0.001

Outcome = TypeVar("Outcome")
Item = TypeVar("Item", bound=ExchangeObject)


@dataclass(frozen=True, slots=True)
class Positions:
    """All positions of an account, and those that could not be read."""

    markets: tuple[MarketPosition, ...]
    events: tuple[EventPosition, ...]
    refused: tuple[SkippedSubject, ...] = ()

    @property
    def is_evidence(self) -> bool:
        """Say whether what is not listed is not held: nothing was refused."""
        return not self.refused


class KalshiTradingClient(ServiceClient):
    """Acts for one account, or one subaccount of it. May be used by several threads at once.

    Args:
        base_url: The interface's address with ``/trade-api/v2``.
        signer: Signs with the account's key.
        subaccount: 0 for the primary one, 1 to 63; None leaves it to the key.
        budget: The account's tokens; by default one for all clients of this key in the process.
        timeout_seconds: For connecting, between two pieces of an answer, and for a whole write.
        retries: Further attempts of reads.
        max_wait_seconds: How long a write may wait for its tokens.
        transport: Replaces the network in tests.
        sleep: Waits; replaced in tests.
        random: Gives a number in 0..1 for the jitter; replaced in tests.
        monotonic: Clock for limits; replaced in tests.
        now: Clock for signatures; replaced in tests.
    """

    def __init__(
        self,
        base_url: str,
        signer: Signer,
        *,
        subaccount: int | None = None,
        budget: AccountBudget | None = None,
        timeout_seconds: float = 10.0,
        retries: int = 3,
        max_wait_seconds: float = MAX_WAIT_SECONDS,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = _random.random,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """Prepare connections; nothing is sent yet."""
        self.clock = ServerClock(now=now, monotonic=monotonic)
        self.budget = shared_budget(base_url, signer.key_id) if budget is None else budget
        self._subaccount = subaccount
        self._max_wait_seconds = max_wait_seconds
        self._sleep, self._random, self._monotonic, self._now = sleep, random, monotonic, now
        auth = SignedRequests(signer, self.clock)
        self._sender = Sender(
            base_url,
            auth,
            timeout_seconds=timeout_seconds,
            transport=transport,
            monotonic=monotonic,
        )
        super().__init__(
            HttpTransport(
                base_url=base_url,
                source=SOURCE,
                auth=auth,
                limiter=self.budget.reads,
                timeout_seconds=timeout_seconds,
                retries=retries,
                transport=transport,
                sleep=sleep,
                random=random,
                monotonic=monotonic,
                now=now,
            )
        )

    def close(self) -> None:
        """Close the connections."""
        self._sender.close()
        super().close()

    # Orders -------------------------------------------------------------------------------------

    def create_order(self, order: NewOrder) -> CreateOutcome:
        """Place an order.

        Returns:
            ``OrderAccepted``, ``DuplicateClientOrderId``, ``OrderRefused`` or ``OutcomeUnknown``.

        Raises:
            BozBaseException: If nothing was placed; see the module.
        """
        self._require_future(order.expires_at)
        return self._write(
            endpoints.CREATE,
            lambda reply: outcomes.created(reply, order),
            body=order.body(subaccount=self._subaccount),
        )

    def amend_order(self, amendment: Amendment) -> AmendOutcome:
        """Change price, count or expiry of a resting order; raises as :meth:`create_order`."""
        self._require_future(amendment.expires_at)
        return self._write(
            endpoints.AMEND,
            lambda reply: outcomes.amended(reply, amendment),
            order_id=amendment.order_id,
            params={"subaccount": self._subaccount},
            body=amendment.body(),
        )

    def decrease_order(
        self,
        order_id: str,
        *,
        by: Decimal | None = None,
        to: Decimal | None = None,
        ticker: str | None = None,
        exchange_index: int | None = None,
    ) -> DecreaseOutcome:
        """Make a resting order smaller; it keeps its place. Raises as :meth:`create_order`.

        Args:
            order_id: The order.
            by: Contracts to take off, or
            to: contracts that shall remain open.
            ticker: Its market; lets the exchange find the shard.
            exchange_index: The shard itself.
        """
        require_name(order_id, "order id")
        if (by is None) == (to is None):
            raise InvalidOrderError("An order is made smaller by so much or to so much, not both.")
        body = {
            "reduce_by": None if by is None else count_text(by),
            "reduce_to": None if to is None else count_text(to),
            "market_ticker": ticker,
            "exchange_index": exchange_index,
        }
        return self._write(
            endpoints.DECREASE,
            lambda reply: outcomes.decreased(reply, order_id),
            order_id=order_id,
            params={"subaccount": self._subaccount},
            body=without_none(body),
        )

    def cancel_order(
        self, order_id: str, *, ticker: str | None = None, exchange_index: int | None = None
    ) -> CancelOutcome:
        """Take an order out of the market; raises as :meth:`create_order`.

        Returns:
            ``OrderCancelled``; ``OrderRefused`` with status 404 when it is not there any more, be
            it filled, cancelled or expired; ``OutcomeUnknown``.
        """
        cancellation = Cancellation(order_id, ticker, exchange_index)
        return self._write(
            endpoints.CANCEL,
            lambda reply: outcomes.cancelled(reply, order_id),
            order_id=order_id,
            params=cancellation.fields(subaccount=self._subaccount),
            is_cancel=True,
        )

    def batch_create(self, orders: Sequence[NewOrder]) -> tuple[CreateOutcome, ...]:
        """Place several orders in one call; one outcome for each, in their order.

        Raises as :meth:`create_order`; also if there are more than :attr:`most_in_batch_create`.
        """
        for order in orders:
            self._require_future(order.expires_at)
        self._require_batch(len(orders), self.most_in_batch_create)
        if len({order.client_order_id for order in orders}) < len(orders):
            raise InvalidOrderError("Two orders of a batch carry the same id of ours.")
        bodies = [order.body(subaccount=self._subaccount) for order in orders]
        return self._write(
            endpoints.BATCH_CREATE,
            lambda reply: outcomes.batch_created(reply, orders),
            body={"orders": bodies},
            items=len(orders),
        )

    def batch_cancel(self, cancellations: Sequence[Cancellation]) -> tuple[CancelOutcome, ...]:
        """Cancel several orders in one call; one outcome for each, in their order.

        Raises as :meth:`create_order`; also if there are more than :attr:`most_in_batch_cancel`.
        """
        self._require_batch(len(cancellations), self.most_in_batch_cancel)
        bodies = [
            {"order_id": item.order_id, **item.fields(subaccount=self._subaccount)}
            for item in cancellations
        ]
        return self._write(
            endpoints.BATCH_CANCEL,
            lambda reply: outcomes.batch_cancelled(reply, cancellations),
            body={"orders": bodies},
            items=len(cancellations),
            is_cancel=True,
        )

    @property
    def most_in_batch_create(self) -> int:
        """Return how many orders fit into one call."""
        return self.budget.most_items(endpoints.BATCH_CREATE, is_cancel=False)

    @property
    def most_in_batch_cancel(self) -> int:
        """Return how many cancels fit into one call."""
        return self.budget.most_items(endpoints.BATCH_CANCEL, is_cancel=True)

    # Order groups -------------------------------------------------------------------------------

    def create_order_group(
        self, *, contracts_limit: Decimal, exchange_index: int | None = None
    ) -> GroupCreateOutcome:
        """Make a group whose orders are cancelled when more than the limit trades in 15 s."""
        body = {
            "contracts_limit_fp": count_text(contracts_limit),
            "subaccount": self._subaccount,
            "exchange_index": exchange_index,
        }
        return self._write(endpoints.CREATE_GROUP, outcomes.group_created, body=without_none(body))

    def limit_order_group(
        self, group_id: str, *, contracts_limit: Decimal, exchange_index: int | None = None
    ) -> GroupOutcome:
        """Give a group another limit."""
        body = {"contracts_limit_fp": count_text(contracts_limit)}
        return self._change_group(endpoints.LIMIT_GROUP, group_id, exchange_index, body=body)

    def reset_order_group(
        self, group_id: str, *, exchange_index: int | None = None
    ) -> GroupOutcome:
        """Let a group whose limit was exceeded take orders again."""
        return self._change_group(endpoints.RESET_GROUP, group_id, exchange_index, body={})

    def trigger_order_group(
        self, group_id: str, *, exchange_index: int | None = None
    ) -> GroupOutcome:
        """Cancel all orders of a group and let it take none until it is reset."""
        return self._change_group(
            endpoints.TRIGGER_GROUP, group_id, exchange_index, body={}, is_cancel=True
        )

    def delete_order_group(
        self, group_id: str, *, exchange_index: int | None = None
    ) -> GroupOutcome:
        """Delete a group."""
        return self._change_group(endpoints.DELETE_GROUP, group_id, exchange_index)

    def order_groups(self) -> Listing[OrderGroup]:
        """Return all groups."""
        body = self._get("/portfolio/order_groups", self._own())
        return listing(OrderGroup, members(body, "order_groups"), name="id")

    def order_group(self, group_id: str) -> OrderGroupDetail:
        """Return one group with its orders.

        Raises:
            NotListed: If the exchange knows no such group.
        """
        require_name(group_id, "group id")
        body = self._get(
            "/portfolio/order_groups/{order_group_id}", self._own(), order_group_id=group_id
        )
        return read_object(OrderGroupDetail, body, what=f"order group {group_id}")

    # The account --------------------------------------------------------------------------------

    def order(self, order_id: str) -> ExchangeOrder:
        """Return one order.

        Raises:
            NotListed: If the exchange says that it has no such order in the live tier.
            InvalidDataError: If it answers with another order.
        """
        require_name(order_id, "order id")
        body = self._get("/portfolio/orders/{order_id}", order_id=order_id)
        found = read_object(ExchangeOrder, member(body, "order"), what=f"order {order_id}")
        if found.order_id != order_id:
            raise InvalidDataError(
                "The exchange answered with another order than was asked for.",
                {"asked": order_id, "answered": found.order_id},
            )
        return found

    def orders(
        self,
        *,
        ticker: str | None = None,
        event_ticker: str | None = None,
        status: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
    ) -> Listing[ExchangeOrder]:
        """Return orders of the live tier, to the last page; the exchange filters by no id of ours.

        Args:
            ticker: Only of this market.
            event_ticker: Only of this event.
            status: ``resting``, ``canceled`` or ``executed``; None for all.
            since: Only those made since.
            until: Only those made up to then.
        """
        params = {
            "ticker": ticker,
            "event_ticker": event_ticker,
            "status": status,
            "min_ts": seconds(since),
            "max_ts": seconds(until),
            **self._own(),
        }
        return self._list(ExchangeOrder, "/portfolio/orders", params, "orders", "order_id")

    def historical_orders(
        self, *, ticker: str | None = None, until: dt.datetime | None = None
    ) -> Listing[ExchangeOrder]:
        """Return orders that have left the live tier, of all subaccounts, to the last page."""
        params = {"ticker": ticker, "max_ts": seconds(until)}
        return self._list(ExchangeOrder, "/historical/orders", params, "orders", "order_id")

    def queue_positions(
        self, *, tickers: Sequence[str] = (), event_ticker: str | None = None
    ) -> Listing[QueuePosition]:
        """Return how many contracts stand before each resting order.

        Raises:
            ValueError: If neither markets nor an event are named.
        """
        if not tickers and event_ticker is None:
            raise ValueError("queue positions are asked for by markets or by an event")
        params = {
            "market_tickers": ",".join(tickers) or None,
            "event_ticker": event_ticker,
            **self._own(),
        }
        body = self._get("/portfolio/orders/queue_positions", params)
        return listing(QueuePosition, members(body, "queue_positions"), name="order_id")

    def queue_position(self, order_id: str) -> Decimal:
        """Return how many contracts stand before one resting order."""
        require_name(order_id, "order id")
        body = self._get("/portfolio/orders/{order_id}/queue_position", order_id=order_id)
        found = read_object(OneQueuePosition, body, what=f"the queue position of {order_id}")
        return found.queue_position_fp

    def fills(
        self,
        *,
        ticker: str | None = None,
        order_id: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
    ) -> Listing[ExchangeFill]:
        """Return fills of the live tier, to the last page."""
        params = {
            "ticker": ticker,
            "order_id": order_id,
            "min_ts": seconds(since),
            "max_ts": seconds(until),
            **self._own(),
        }
        return self._list(ExchangeFill, "/portfolio/fills", params, "fills", "fill_id")

    def historical_fills(
        self, *, ticker: str | None = None, until: dt.datetime | None = None
    ) -> Listing[ExchangeFill]:
        """Return fills that have left the live tier, of all subaccounts, to the last page."""
        params = {"ticker": ticker, "max_ts": seconds(until)}
        return self._list(ExchangeFill, "/historical/fills", params, "fills", "fill_id")

    def positions(self, *, ticker: str | None = None, event_ticker: str | None = None) -> Positions:
        """Return unsettled positions, to the last page."""
        params = {"ticker": ticker, "event_ticker": event_ticker, **self._own()}
        return self._positions("/portfolio/positions", params)

    def historical_positions(
        self, *, ticker: str | None = None, event_ticker: str | None = None
    ) -> Positions:
        """Return positions that have left the live tier, to the last page."""
        params = {"ticker": ticker, "event_ticker": event_ticker}
        return self._positions("/historical/positions", params)

    def balance(self, *, exchange_index: int | None = None) -> Balance:
        """Return the account's cash, on one shard or on all."""
        body = self._get("/portfolio/balance", {"exchange_index": exchange_index, **self._own()})
        return read_object(Balance, body, what="the balance")

    def resting_value(self) -> RestingValue:
        """Return what all resting orders would cost together."""
        body = self._get("/portfolio/summary/total_resting_order_value")
        return read_object(RestingValue, body, what="the value of resting orders")

    def settlements(
        self,
        *,
        ticker: str | None = None,
        event_ticker: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
    ) -> Listing[ExchangeSettlement]:
        """Return how positions were paid out, to the last page."""
        params = {
            "ticker": ticker,
            "event_ticker": event_ticker,
            "min_ts": seconds(since),
            "max_ts": seconds(until),
            **self._own(),
        }
        return self._list(
            ExchangeSettlement, "/portfolio/settlements", params, "settlements", "ticker"
        )

    def api_keys(self) -> Listing[ApiKey]:
        """Return the keys of the account and what each may do."""
        body = self._get("/api_keys")
        return listing(ApiKey, members(body, "api_keys"), name="api_key_id")

    # Limits -------------------------------------------------------------------------------------

    def limits(self) -> AccountLimits:
        """Return how much the account may ask and change."""
        return read_object(AccountLimits, self._get("/account/limits"), what="the limits")

    def endpoint_costs(self) -> EndpointCostList:
        """Return what calls cost that do not cost the default."""
        body = self._get("/account/endpoint_costs")
        return read_object(EndpointCostList, body, what="the costs of calls")

    def learn_limits(self) -> AccountLimits:
        """Read limits and costs and keep to them; until then those of the lowest tier hold."""
        limits, costs = self.limits(), self.endpoint_costs()
        self.budget.reads.resize(limits.read.refill_rate, limits.read.bucket_capacity)
        self.budget.writes.resize(limits.write.refill_rate, limits.write.bucket_capacity)
        self.budget.costs = EndpointCosts.of(
            costs.default_cost,
            {(item.method, item.path): item.cost for item in costs.endpoint_costs},
        )
        return limits

    def exchange_status(self) -> ExchangeStatus:
        """Return whether the exchange is open; when it is not, it says so with a 5xx."""
        body = self._get("/exchange/status", accept=STATUS_ANSWERS)
        return read_object(ExchangeStatus, body, what="the exchange's state")

    # How it is done -----------------------------------------------------------------------------

    def _own(self) -> dict[str, Any]:
        return {"subaccount": self._subaccount}

    def _change_group(
        self,
        endpoint: Endpoint,
        group_id: str,
        exchange_index: int | None,
        *,
        body: Mapping[str, Any] | None = None,
        is_cancel: bool = False,
    ) -> GroupOutcome:
        require_name(group_id, "group id")
        return self._write(
            endpoint,
            lambda reply: outcomes.group_changed(reply, group_id),
            order_group_id=group_id,
            params={"exchange_index": exchange_index, **self._own()},
            body=body,
            is_cancel=is_cancel,
        )

    def _list(
        self, kind: type[Item], path: str, params: Mapping[str, Any], key: str, name: str
    ) -> Listing[Item]:
        payloads = paged_members(self._get, path, {**params, "limit": PER_PAGE}, key=key)
        return listing(kind, payloads, name=name)

    def _positions(self, path: str, params: Mapping[str, Any]) -> Positions:
        markets: list[Any] = []
        events: list[Any] = []
        for body in pages(self._get, path, {**params, "limit": PER_PAGE}):
            markets.extend(members(body, "market_positions"))
            events.extend(members(body, "event_positions"))
        of_markets = listing(MarketPosition, markets, name="ticker")
        of_events = listing(EventPosition, events, name="event_ticker")
        return Positions(
            of_markets.items, of_events.items, (*of_markets.refused, *of_events.refused)
        )

    def _get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        accept: frozenset[int] = frozenset(),
        **names: str,
    ) -> Any:
        try:
            return self._http.get_json(
                _address(path, names),
                params=params,
                weight=self.budget.costs.of_call(("GET", path)),
                accept=accept,
            )
        except BozBaseException as error:
            raise told_to_key(error) from error

    def _write(
        self,
        endpoint: Endpoint,
        read: Callable[[Reply], Outcome],
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        items: int = 1,
        is_cancel: bool = False,
        **names: str,
    ) -> Outcome:
        """Send a write once, when the clock is right and there are tokens, and read its answer."""
        self._require_clock()
        self._take_tokens(self.budget.costs.of_call(endpoint, items=items), is_cancel=is_cancel)
        method, path = endpoint
        reply = self._sender.send(
            method, _address(path, names), params=without_none(dict(params or {})), body=body
        )
        self._hear_rate(reply, is_cancel=is_cancel)
        _require_right(reply)
        outcome = read(reply)
        if isinstance(outcome, OutcomeUnknown):
            log.warning("The outcome of a write is unknown", path=path, reason=outcome.reason)
        return outcome

    def _require_clock(self) -> None:
        if self.clock.is_in_step:
            return
        try:
            self.exchange_status()
        except BozBaseException:
            # Any answer tells the time, an error too; without one there is nothing to sign for.
            if self.clock.skew_seconds() is None:
                raise
        self.clock.require_in_step()

    def _take_tokens(self, cost: float, *, is_cancel: bool) -> None:
        deadline = self._monotonic() + self._max_wait_seconds
        while (wait := self.budget.writes.take(cost, is_cancel=is_cancel)) > 0:
            if self._monotonic() + wait > deadline:
                raise TransientError(
                    "The exchange's limit of writes is used up; nothing was sent.",
                    {"wait_seconds": round(wait, 1)},
                )
            self._sleep(max(wait, MIN_SLEEP_SECONDS))

    def _hear_rate(self, reply: Reply, *, is_cancel: bool) -> None:
        if isinstance(reply, NoAnswer):
            return
        if reply.status != 429:
            # A cancel that passes says nothing of orders: it costs less.
            if not is_cancel:
                self.budget.writes.passed()
            return
        pause = self.budget.writes.refused(self._random())
        log.warning("The exchange refuses writes for their rate", pause_seconds=round(pause, 2))

    def _require_future(self, expires_at: dt.datetime | None) -> None:
        if expires_at is not None and expires_at <= self._now():
            raise InvalidOrderError(
                f"The order would expire at {expires_at.isoformat()}, which is over."
            )

    def _require_batch(self, items: int, most: int) -> None:
        if not 0 < items <= most:
            raise InvalidOrderError(
                f"A batch holds 1 to {most} orders within the account's limit, not {items}."
            )


def _require_right(reply: Reply) -> None:
    """Stop when the key was turned away: nothing was done, and nothing will be with it.

    Only in the exchange's own words; a firewall's 403 proves nothing.
    """
    if isinstance(reply, NoAnswer) or not reply.error.is_told:
        return
    context = {"status": reply.status, "code": reply.error.code}
    if reply.status == 401:
        raise OperatorActionRequired(
            "The exchange does not accept our key (401). Check that it is not revoked and belongs "
            f"to this environment. It says: {reply.error}",
            context,
        )
    if reply.status == 403:
        raise no_right(reply.error, context)


def _address(path: str, names: Mapping[str, str]) -> str:
    """Return a path with its parameters filled in, each as one segment."""
    return path.format(**{name: quote(value, safe="") for name, value in names.items()})
