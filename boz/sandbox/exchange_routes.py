"""The exchange over HTTP: parameters in, V2 answers out."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from boz.core.clock import format_utc
from boz.sandbox.book import PAUSE_END, is_paused
from boz.sandbox.exchange import STATUS_FILTERS, ListedMarket, unix
from boz.sandbox.faults import Source
from boz.sandbox.wire import Handler, WireError, endpoint, query_flag, query_int
from boz.sandbox.world import World

DERIVED = {"X-Derived-From": "trades"}
_FAR_FUTURE = 10**11
_MAX_CANDLES = 5000
_MAX_BOOKS = 100
_PERIODS = (1, 60, 1440)


def routes(world: World) -> list[Route]:
    """Return the routes below ``/trade-api/v2``."""
    table: list[tuple[str, Handler]] = [
        ("/exchange/status", _exchange_status),
        ("/series", _series_list),
        ("/series/{series}", _series),
        ("/series/{series}/markets/{ticker}/candlesticks", _candlesticks),
        ("/events", _events),
        ("/events/{event}", _event),
        ("/markets", _markets),
        ("/markets/orderbooks", _orderbooks),
        ("/markets/trades", _trades),
        ("/markets/{ticker}", _market),
        ("/markets/{ticker}/orderbook", _orderbook),
        ("/historical/markets", _historical_markets),
        ("/{rest:path}", _unknown),
    ]
    return [
        Route(path, endpoint(world, Source.KALSHI, handler), methods=["GET"])
        for path, handler in table
    ]


def _exchange_status(world: World, request: Request, now: dt.datetime) -> Response:
    paused = is_paused(unix(now))
    body: dict[str, Any] = {
        "exchange_active": True,
        "trading_active": not paused,
        "intra_exchange_transfers_active": True,
        "exchange_index_statuses": [],
    }
    if paused:
        resumes = now.replace(hour=0, minute=0, second=0, microsecond=0)
        body["exchange_estimated_resume_time"] = format_utc(
            resumes + dt.timedelta(seconds=PAUSE_END)
        )
    return JSONResponse(body)


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
    min_close = query_int(query, "min_close_ts", low=0, high=_FAR_FUTURE, default=None)
    tickers = _comma_list(query.get("tickers"))
    nested = query_flag(query, "with_nested_markets")
    start = _position(query.get("cursor"), "events")
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
        if status is not None and all(item.status(now) != status for item in items):
            continue
        if min_close is not None and unix(items[0].market.closes_at) < min_close:
            continue
        if len(bodies) == limit:
            following = key + 1
            break
        bodies.append(exchange.event_body(items, now, nested=nested))
    return JSONResponse(
        {"events": bodies, "milestones": [], "cursor": _cursor(following, "events")},
        headers=DERIVED if nested else None,
    )


def _event(world: World, request: Request, now: dt.datetime) -> Response:
    ticker = request.path_params["event"]
    nested = query_flag(request.query_params, "with_nested_markets")
    items = world.exchange.event(ticker, now)
    if items is None:
        raise WireError(404, "event_not_found", f"event {ticker} does not exist")
    body = world.exchange.event_body(items, now, nested=nested)
    beside = [] if nested else [world.exchange.market_body(item, now) for item in items]
    return JSONResponse({"event": body, "markets": beside}, headers=DERIVED)


def _markets(world: World, request: Request, now: dt.datetime) -> Response:
    query = request.query_params
    limit = query_int(query, "limit", low=0, high=1000, default=100)
    chosen = _market_filter(request, now)
    start = _position(query.get("cursor"), "markets")
    bodies: list[dict[str, Any]] = []
    following: int | None = None
    for position, item in world.exchange.markets(now):
        if (start is not None and position < start) or not chosen(item):
            continue
        if len(bodies) == limit:
            following = position if limit else None
            break
        bodies.append(world.exchange.market_body(item, now))
    return JSONResponse(
        {"markets": bodies, "cursor": _cursor(following, "markets")}, headers=DERIVED
    )


def _market(world: World, request: Request, now: dt.datetime) -> Response:
    item = _known_market(world, request.path_params["ticker"], now)
    return JSONResponse({"market": world.exchange.market_body(item, now)}, headers=DERIVED)


def _orderbook(world: World, request: Request, now: dt.datetime) -> Response:
    item = _known_market(world, request.path_params["ticker"], now)
    depth = query_int(request.query_params, "depth", low=0, high=100, default=0) or 0
    return JSONResponse(
        {
            "orderbook_fp": world.exchange.book_body(item, now, depth=depth),
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
            "orderbook_fp": world.exchange.book_body(item, now, depth=0),
            "derived_from": "trades",
        }
        for item in items
    ]
    return JSONResponse({"orderbooks": books, "derived_from": "trades"}, headers=DERIVED)


def _trades(world: World, request: Request, now: dt.datetime) -> Response:
    query = request.query_params
    limit = query_int(query, "limit", low=0, high=1000, default=100)
    ticker = query.get("ticker") or None
    if ticker is not None:
        _known_market(world, ticker, now)
    bodies, following = world.exchange.trades(
        now,
        ticker=ticker,
        min_ts=query_int(query, "min_ts", low=0, high=_FAR_FUTURE, default=None),
        max_ts=query_int(query, "max_ts", low=0, high=_FAR_FUTURE, default=None),
        before=_position(query.get("cursor"), "trades"),
        limit=100 if limit is None else limit,
    )
    return JSONResponse({"trades": bodies, "cursor": _cursor(following, "trades")})


def _candlesticks(world: World, request: Request, now: dt.datetime) -> Response:
    item = _known_market(world, request.path_params["ticker"], now)
    if item.market.series_ticker != request.path_params["series"]:
        raise WireError(404, "market_not_found", f"{item.market.ticker} is not in this series")
    query = request.query_params
    start = query_int(query, "start_ts", low=0, high=_FAR_FUTURE, default=None)
    end = query_int(query, "end_ts", low=0, high=_FAR_FUTURE, default=None)
    minutes = query_int(query, "period_interval", low=1, high=1440, default=None)
    if start is None or end is None or minutes not in _PERIODS:
        raise WireError(
            400,
            "invalid_parameter",
            "start_ts, end_ts and period_interval (1, 60 or 1440) are required",
        )
    if start > end:
        raise WireError(400, "invalid_parameter", "start_ts must not lie after end_ts")
    candles = world.exchange.candles(item, now, start=start, end=end, minutes=minutes)
    if len(candles) > _MAX_CANDLES:
        raise WireError(400, "invalid_parameter", f"more than {_MAX_CANDLES} candlesticks asked")
    return JSONResponse({"ticker": item.market.ticker, "candlesticks": candles}, headers=DERIVED)


def _historical_markets(world: World, request: Request, now: dt.datetime) -> Response:
    """Return nothing: in these few weeks no market leaves the live tier."""
    return JSONResponse({"markets": [], "cursor": ""})


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
        self._tickers = _comma_list(query.get("tickers"))
        bounds = {
            family: (
                query_int(query, f"min_{family}_ts", low=0, high=_FAR_FUTURE, default=None),
                query_int(query, f"max_{family}_ts", low=0, high=_FAR_FUTURE, default=None),
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
            and (self._status is None or item.status(self._now) == self._status)
            and self._in_time(item)
        )

    def _in_time(self, item: ListedMarket) -> bool:
        if self._family is None:
            return True
        if self._family == "settled" and item.settles_at > self._now:
            return False
        moment = unix(
            {
                "created": item.created_at,
                "close": item.market.closes_at,
                "settled": item.settles_at,
            }[self._family]
        )
        return (self._low is None or moment >= self._low) and (
            self._high is None or moment <= self._high
        )


def _market_filter(request: Request, now: dt.datetime) -> _MarketFilter:
    return _MarketFilter(request, now)


def _status_filter(request: Request) -> str | None:
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


def _comma_list(text: str | None) -> set[str] | None:
    return set(text.split(",")) if text else None


def _cursor(position: int | None, kind: str) -> str:
    if position is None:
        return ""
    return base64.urlsafe_b64encode(f"{kind}:{position}".encode()).decode()


def _position(cursor: str | None, kind: str) -> int | None:
    if not cursor:
        return None
    try:
        word, _, number = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        if word == kind:
            return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise WireError(400, "invalid_cursor", "the cursor is not one that this list gave out")
