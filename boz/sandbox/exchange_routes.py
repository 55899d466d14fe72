"""The exchange over HTTP: parameters in, V2 answers out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from boz.core.clock import format_utc
from boz.sandbox.book import PAUSE_END, PAUSE_START
from boz.sandbox.exchange import STATUS_FILTERS, ListedMarket, unix
from boz.sandbox.exchange_order_routes import order_routes
from boz.sandbox.exchange_portfolio_routes import (
    endpoint_costs,
    portfolio_routes,
    user_data_timestamp,
)
from boz.sandbox.faults import Source
from boz.sandbox.floor.records import SHARD
from boz.sandbox.pages import FAR_FUTURE, comma_list, cursor, pair_cursor, position, positions
from boz.sandbox.wire import Handler, WireError, endpoint, query_flag, query_int
from boz.sandbox.world import World

DERIVED = {"X-Derived-From": "trades"}
_MAX_CANDLES = 5000
_MAX_BOOKS = 100
_MAX_CANDLES_OF_MANY = 10_000
_PERIODS = (1, 60, 1440)
_METHODS = ["GET", "POST", "PUT", "DELETE"]
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FORTNIGHT_S = 14 * 86_400


def routes(world: World) -> list[Route]:
    """Return the routes below ``/trade-api/v2``."""
    table: list[tuple[str, Handler]] = [
        ("/exchange/status", _exchange_status),
        ("/exchange/schedule", _exchange_schedule),
        ("/exchange/user_data_timestamp", user_data_timestamp),
        ("/account/endpoint_costs", endpoint_costs),
        ("/series", _series_list),
        ("/series/fee_changes", _fee_changes),
        ("/series/{series}", _series),
        ("/series/{series}/markets/{ticker}/candlesticks", _candlesticks),
        ("/series/{series}/events/{event}/candlesticks", _candlesticks_of_event),
        ("/events", _events),
        ("/events/fee_changes", _fee_changes),
        ("/events/{event}", _event),
        ("/markets", _markets),
        ("/markets/orderbooks", _orderbooks),
        ("/markets/trades", _trades),
        ("/markets/candlesticks", _candlesticks_of_many),
        ("/markets/{ticker}", _market),
        ("/markets/{ticker}/orderbook", _orderbook),
        ("/historical/cutoff", _cutoff),
        ("/historical/markets", _historical_markets),
        ("/historical/markets/{ticker}", _historical_market),
        ("/historical/markets/{ticker}/candlesticks", _historical_candlesticks),
        ("/historical/trades", _historical_trades),
    ]
    return [
        *order_routes(world),
        *portfolio_routes(world),
        *(
            Route(path, endpoint(world, Source.KALSHI, handler, guard=_keep_up), methods=["GET"])
            for path, handler in table
        ),
        Route("/{rest:path}", endpoint(world, Source.KALSHI, _unknown), methods=_METHODS),
    ]


def _keep_up(world: World, request: Request) -> None:
    """Bring the floor to the simulated now before anybody looks at it."""
    world.floor.advance(world.clock.now())


# The exchange itself --------------------------------------------------------------------------


def _exchange_status(world: World, request: Request, now: dt.datetime) -> Response:
    hours = world.floor.hours
    state = {
        "exchange_active": not hours.is_shut,
        "trading_active": not hours.is_resting(now),
        "intra_exchange_transfers_active": not hours.is_shut,
    }
    shard = {"exchange_index": SHARD, "description": "Everything", **state}
    body: dict[str, Any] = {**state, "exchange_index_statuses": [shard]}
    resumes = hours.resumes_at(now)
    if resumes is not None:
        body["exchange_estimated_resume_time"] = format_utc(resumes)
    return JSONResponse(body)


def _exchange_schedule(world: World, request: Request, now: dt.datetime) -> Response:
    """Answer that trading is open around the clock, but for the maintenance if there is any."""
    open_all_day = [{"open_time": "00:00", "close_time": "23:59"}]
    week = dict.fromkeys(_WEEKDAYS, open_all_day)
    year = dt.timedelta(days=365)
    second = unix(now)
    marks = (
        [
            mark
            for mark in world.floor.hours.changes(
                after=second - 86_400, until=second + _FORTNIGHT_S
            )
            if mark % 86_400 not in (PAUSE_START, PAUSE_END)
        ]
        if world.floor.hours.maintenance
        else []
    )
    windows = [
        {"start_datetime": _written(start), "end_datetime": _written(end)}
        for start, end in zip(marks[::2], marks[1::2], strict=False)
    ]
    hours = {"start_time": format_utc(now - year), "end_time": format_utc(now + year), **week}
    return JSONResponse({"schedule": {"standard_hours": [hours], "maintenance_windows": windows}})


def _written(second: int) -> str:
    return format_utc(dt.datetime.fromtimestamp(second, tz=dt.UTC))


def _fee_changes(world: World, request: Request, now: dt.datetime) -> Response:
    """Answer that no fees are going to change."""
    name = "series_fee_change_arr" if "/series/" in request.url.path else "event_fee_changes"
    return JSONResponse({name: []} if "series" in name else {name: [], "cursor": ""})


# Series, events, markets ----------------------------------------------------------------------


def _series_list(world: World, request: Request, now: dt.datetime) -> Response:
    category = request.query_params.get("category")
    wanted = {tag for tag in request.query_params.get("tags", "").split(",") if tag}
    bodies = [
        body
        for body in world.exchange.all_series()
        if (category is None or body["category"] == category)
        and (not wanted or wanted & set(body["tags"]))
    ]
    return JSONResponse({"series": bodies})


def _series(world: World, request: Request, now: dt.datetime) -> Response:
    ticker = request.path_params["series"]
    body = world.exchange.series(ticker)
    if body is None:
        raise WireError(404, "series_not_found", f"series {ticker} does not exist")
    return JSONResponse({"series": body})


def _events(world: World, request: Request, now: dt.datetime) -> Response:
    query = request.query_params
    limit = query_int(query, "limit", low=1, high=200, default=200) or 200
    status, series = _status_filter(request), query.get("series_ticker")
    min_close = query_int(query, "min_close_ts", low=0, high=FAR_FUTURE, default=None)
    tickers = comma_list(query.get("tickers"))
    nested = query_flag(query, "with_nested_markets")
    start = position(query.get("cursor"), "events")
    cutoff = world.floor.cutoff(now)
    exchange = world.exchange
    bodies: list[dict[str, Any]] = []
    following: int | None = None
    # The key of an event is its distance from the oldest one, so that events that appear
    # between two pages do not shift the rest.
    all_events = list(exchange.events(now))
    for age, (ticker, items) in enumerate(all_events):
        key = len(all_events) - age
        if start is not None and key >= start:
            continue
        if series is not None and items[0].market.series_ticker != series:
            continue
        if tickers is not None and ticker not in tickers:
            continue
        if status is not None and all(item.status(now) not in status for item in items):
            continue
        if min_close is not None and all(unix(item.life.closes_at) < min_close for item in items):
            continue
        if len(bodies) == limit:
            following = key + 1
            break
        inside = [item for item in items if item.life.settles_at >= cutoff]
        markets = [world.floor.books.market_body(item, now) for item in inside] if nested else None
        bodies.append(exchange.event_body(items, now, markets=markets))
    return JSONResponse(
        {"events": bodies, "milestones": [], "cursor": cursor(following, "events")},
        headers=DERIVED if nested else None,
    )


def _event(world: World, request: Request, now: dt.datetime) -> Response:
    ticker = request.path_params["event"]
    nested = query_flag(request.query_params, "with_nested_markets")
    items = world.exchange.event(ticker, now)
    if items is None:
        raise WireError(404, "event_not_found", f"event {ticker} does not exist")
    cutoff = world.floor.cutoff(now)
    markets = [
        world.floor.books.market_body(item, now) for item in items if item.life.settles_at >= cutoff
    ]
    body = world.exchange.event_body(items, now, markets=markets if nested else None)
    beside = [] if nested else markets
    return JSONResponse({"event": body, "markets": beside}, headers=DERIVED)


def _markets(world: World, request: Request, now: dt.datetime) -> Response:
    cutoff = world.floor.cutoff(now)
    return _market_page(world, request, now, lambda item: item.life.settles_at >= cutoff)


def _historical_markets(world: World, request: Request, now: dt.datetime) -> Response:
    cutoff = world.floor.cutoff(now)
    return _market_page(world, request, now, lambda item: item.life.settles_at < cutoff)


def _market_page(
    world: World,
    request: Request,
    now: dt.datetime,
    is_in_tier: Callable[[ListedMarket], bool],
) -> Response:
    query = request.query_params
    limit = query_int(query, "limit", low=0, high=1000, default=100)
    chosen = _MarketFilter(request, now)
    start = position(query.get("cursor"), "markets")
    bodies: list[dict[str, Any]] = []
    following: int | None = None
    for place, item in world.exchange.markets(now):
        if (start is not None and place < start) or not is_in_tier(item) or not chosen(item):
            continue
        if len(bodies) == limit:
            following = place if limit else None
            break
        bodies.append(world.floor.books.market_body(item, now))
    return JSONResponse(
        {"markets": bodies, "cursor": cursor(following, "markets")}, headers=DERIVED
    )


def _market(world: World, request: Request, now: dt.datetime) -> Response:
    item = _live_market(world, request.path_params["ticker"], now)
    return JSONResponse({"market": world.floor.books.market_body(item, now)}, headers=DERIVED)


def _historical_market(world: World, request: Request, now: dt.datetime) -> Response:
    item = _past_market(world, request.path_params["ticker"], now)
    return JSONResponse({"market": world.floor.books.market_body(item, now)}, headers=DERIVED)


def _orderbook(world: World, request: Request, now: dt.datetime) -> Response:
    item = _known_market(world, request.path_params["ticker"], now)
    depth = query_int(request.query_params, "depth", low=0, high=100, default=0) or 0
    return JSONResponse(
        {
            "orderbook_fp": world.floor.books.book_body(item, now, depth=depth),
            "derived_from": "trades",
        },
        headers=DERIVED,
    )


def _orderbooks(world: World, request: Request, now: dt.datetime) -> Response:
    tickers = request.query_params.getlist("tickers")
    if not 1 <= len(tickers) <= _MAX_BOOKS:
        raise WireError(400, "invalid_parameter", f"tickers must be given 1 to {_MAX_BOOKS} times")
    items = [_known_market(world, ticker, now) for ticker in tickers]
    books = [
        {
            "ticker": item.market.ticker,
            "orderbook_fp": world.floor.books.book_body(item, now, depth=0),
            "derived_from": "trades",
        }
        for item in items
    ]
    return JSONResponse({"orderbooks": books, "derived_from": "trades"}, headers=DERIVED)


def _trades(world: World, request: Request, now: dt.datetime) -> Response:
    return _trade_page(world, request, now, first=unix(world.floor.cutoff(now)), last=unix(now))


def _historical_trades(world: World, request: Request, now: dt.datetime) -> Response:
    return _trade_page(world, request, now, first=0, last=unix(world.floor.cutoff(now)) - 1)


def _trade_page(
    world: World, request: Request, now: dt.datetime, *, first: int, last: int
) -> Response:
    """Return recorded trades and those of the floor together, newest first."""
    query = request.query_params
    limit = query_int(query, "limit", low=0, high=1000, default=100)
    limit = 100 if limit is None else limit
    ticker = query.get("ticker") or None
    if ticker is not None:
        _known_market(world, ticker, now)
    min_ts = query_int(query, "min_ts", low=0, high=FAR_FUTURE, default=None)
    max_ts = query_int(query, "max_ts", low=0, high=FAR_FUTURE, default=None)
    first, last = max(first, min_ts or 0), last if max_ts is None else min(last, max_ts)
    before, own_before = positions(query.get("cursor"), "trades")
    page = world.exchange.trades(
        now, ticker=ticker, min_ts=first, max_ts=last, before=before, limit=limit
    )
    own = [
        trade
        for trade in reversed(world.floor.journal.trades)
        if (ticker is None or trade.ticker == ticker)
        and first <= unix(trade.at) <= last
        and (own_before is None or trade.number < own_before)
    ]
    # Both lists are newest first, and sorting keeps the order of equals.
    merged = sorted(
        [(body["created_time"], place, 0, body) for place, body in page.rows]
        + [(format_utc(trade.at), trade.number, 1, trade.body()) for trade in own[:limit]],
        key=lambda row: row[0],
        reverse=True,
    )
    chosen = merged[:limit]
    has_more = bool(limit) and (len(merged) > limit or page.has_more or len(own) > limit)
    lowest = [
        min((place for _, place, kind, _ in chosen if kind == which), default=held)
        for which, held in ((0, before), (1, own_before))
    ]
    following = pair_cursor(lowest[0], lowest[1], "trades") if has_more else ""
    return JSONResponse({"trades": [row[3] for row in chosen], "cursor": following})


def _candlesticks(world: World, request: Request, now: dt.datetime) -> Response:
    item = _live_market(world, request.path_params["ticker"], now)
    if item.market.series_ticker != request.path_params["series"]:
        raise WireError(404, "market_not_found", f"{item.ticker} is not in this series")
    candles = _candles(world, request, [item], now)[0]
    return JSONResponse({"ticker": item.ticker, "candlesticks": candles}, headers=DERIVED)


def _candlesticks_of_many(world: World, request: Request, now: dt.datetime) -> Response:
    tickers = (request.query_params.get("market_tickers") or "").split(",")
    if not 1 <= len(tickers) <= _MAX_BOOKS or not tickers[0]:
        raise WireError(400, "invalid_parameter", f"market_tickers must name 1 to {_MAX_BOOKS}")
    items = [_live_market(world, ticker, now) for ticker in tickers]
    told = zip(items, _candles(world, request, items, now), strict=True)
    markets = [{"market_ticker": item.ticker, "candlesticks": candles} for item, candles in told]
    return JSONResponse({"markets": markets}, headers=DERIVED)


def _candlesticks_of_event(world: World, request: Request, now: dt.datetime) -> Response:
    event = request.path_params["event"]
    items = world.exchange.event(event, now)
    if items is None or items[0].market.series_ticker != request.path_params["series"]:
        raise WireError(404, "event_not_found", f"event {event} is not in this series")
    candles = _candles(world, request, items, now)
    ends = [row[-1]["end_period_ts"] for row in candles if row]
    asked = query_int(request.query_params, "end_ts", low=0, high=FAR_FUTURE, default=0) or 0
    body = {
        "market_tickers": [item.ticker for item in items],
        "market_candlesticks": candles,
        "adjusted_end_ts": max(ends, default=asked),
    }
    return JSONResponse(body, headers=DERIVED)


def _historical_candlesticks(world: World, request: Request, now: dt.datetime) -> Response:
    item = _past_market(world, request.path_params["ticker"], now)
    candles = [_renamed(candle) for candle in _candles(world, request, [item], now)[0]]
    return JSONResponse({"ticker": item.ticker, "candlesticks": candles}, headers=DERIVED)


def _renamed(candle: dict[str, Any]) -> dict[str, Any]:
    """Return a candle in the words of the historical tier: names without what they count in."""
    price = dict.fromkeys(("open", "low", "high", "close", "mean", "previous"))
    return {
        "end_period_ts": candle["end_period_ts"],
        "yes_bid": _without_suffix(candle["yes_bid"]),
        "yes_ask": _without_suffix(candle["yes_ask"]),
        "price": price | _without_suffix(candle["price"]),
        "volume": candle["volume_fp"],
        "open_interest": candle["open_interest_fp"],
    }


def _without_suffix(values: dict[str, Any]) -> dict[str, Any]:
    return {name.removesuffix("_dollars"): value for name, value in values.items()}


def _candles(
    world: World, request: Request, items: list[ListedMarket], now: dt.datetime
) -> list[list[dict[str, Any]]]:
    """Return the candles of markets in the period that a request asks for."""
    query = request.query_params
    start = query_int(query, "start_ts", low=0, high=FAR_FUTURE, default=None)
    end = query_int(query, "end_ts", low=0, high=FAR_FUTURE, default=None)
    minutes = query_int(query, "period_interval", low=1, high=1440, default=None)
    if start is None or end is None or minutes not in _PERIODS:
        raise WireError(
            400,
            "invalid_parameter",
            "start_ts, end_ts and period_interval (1, 60 or 1440) are required",
        )
    if start > end:
        raise WireError(400, "invalid_parameter", "start_ts must not lie after end_ts")
    candles = [
        world.exchange.candles(item, now, start=start, end=end, minutes=minutes) for item in items
    ]
    most = _MAX_CANDLES if len(items) == 1 else _MAX_CANDLES_OF_MANY
    if sum(map(len, candles)) > most:
        raise WireError(400, "invalid_parameter", f"more than {most} candlesticks asked")
    return candles


# The historical tier --------------------------------------------------------------------------


def _cutoff(world: World, request: Request, now: dt.datetime) -> Response:
    cutoff = format_utc(world.floor.cutoff(now))
    names = ("market_settled_ts", "trades_created_ts", "orders_updated_ts")
    return JSONResponse(
        {**dict.fromkeys(names, cutoff), "market_positions_last_updated_ts": cutoff}
    )


def _live_market(world: World, ticker: str, now: dt.datetime) -> ListedMarket:
    item = _known_market(world, ticker, now)
    if item.life.settles_at < world.floor.cutoff(now):
        raise WireError(404, "market_not_found", f"market {ticker} is in the historical tier")
    return item


def _past_market(world: World, ticker: str, now: dt.datetime) -> ListedMarket:
    item = _known_market(world, ticker, now)
    if item.life.settles_at >= world.floor.cutoff(now):
        raise WireError(404, "market_not_found", f"market {ticker} is in the live tier")
    return item


def _unknown(world: World, request: Request, now: dt.datetime) -> Response:
    raise WireError(404, "not_found", f"the sandbox does not serve {request.url.path}")


def _known_market(world: World, ticker: str, now: dt.datetime) -> ListedMarket:
    item = world.exchange.market(ticker, now)
    if item is None:
        raise WireError(404, "market_not_found", f"market {ticker} does not exist")
    return item


class _MarketFilter:
    """The conditions of one ``GET /markets``."""

    def __init__(self, request: Request, now: dt.datetime) -> None:
        query = request.query_params
        self._now = now
        self._status = _status_filter(request)
        self._event = query.get("event_ticker") or None
        self._series = query.get("series_ticker") or None
        self._tickers = comma_list(query.get("tickers"))
        bounds = {
            family: (
                query_int(query, f"min_{family}_ts", low=0, high=FAR_FUTURE, default=None),
                query_int(query, f"max_{family}_ts", low=0, high=FAR_FUTURE, default=None),
            )
            for family in ("created", "close", "settled")
        }
        given = [family for family, pair in bounds.items() if pair != (None, None)]
        if len(given) > 1:
            raise WireError(
                400, "invalid_parameter", "only one family of timestamp filters may be given"
            )
        self._family = given[0] if given else None
        self._low, self._high = bounds[given[0]] if given else (None, None)

    def __call__(self, item: ListedMarket) -> bool:
        """Say whether a market passes."""
        market = item.market
        return (
            (self._event is None or market.event_ticker == self._event)
            and (self._series is None or market.series_ticker == self._series)
            and (self._tickers is None or market.ticker in self._tickers)
            and (self._status is None or item.status(self._now) in self._status)
            and self._in_time(item)
        )

    def _in_time(self, item: ListedMarket) -> bool:
        if self._family is None:
            return True
        if self._family == "settled" and item.life.settles_at > self._now:
            return False
        moment = unix(
            {
                "created": item.life.created_at,
                "close": item.life.closes_at,
                "settled": item.life.settles_at,
            }[self._family]
        )
        return (self._low is None or moment >= self._low) and (
            self._high is None or moment <= self._high
        )


def _status_filter(request: Request) -> frozenset[str] | None:
    word = request.query_params.get("status")
    if not word:
        return None
    if word not in STATUS_FILTERS:
        raise WireError(
            400,
            "invalid_parameter",
            f"status must be one of {', '.join(STATUS_FILTERS)}, was {word!r}",
        )
    return STATUS_FILTERS[word]
