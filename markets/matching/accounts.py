"""Cash, collateral and positions of everybody who trades.

Every contract is paid for in full when it is bought: YES at p costs p and NO costs 1 - p, together
the $1 that one of them will be paid. So no contract comes from nothing, nobody owes anything, and
``cash + open interest + what the exchange kept = what was paid in`` at every moment.

What resting orders reserve is said in :mod:`markets.matching.claims`. Returns of collateral across
the markets of an event are not given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from boz.core.errors import InsufficientBalanceError, InvalidDataError
from boz.core.money import MICRO_STEP, ZERO, format_dollars
from markets.matching.claims import Claim, ClaimBook
from markets.matching.events import FillLeg
from markets.matching.positions import Position, require_yes_value


@dataclass(frozen=True, slots=True)
class Balance:
    """Dollars of one account.

    Attributes:
        cash: What is there.
        reserved: What resting orders may still cost.
    """

    cash: Decimal
    reserved: Decimal

    @property
    def available(self) -> Decimal:
        """Return what a new order may cost."""
        return self.cash - self.reserved


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one account got for what it held when a market was decided.

    Attributes:
        account: Whose it is.
        market_ticker: The market.
        net: Contracts held, above zero for YES and below zero for NO.
        cost: Dollars paid for them, fees not included.
        yes_value: Dollars per YES contract.
        payout: Dollars paid out.
        fees: Dollars of trade fees of all fills in the market.
    """

    account: str
    market_ticker: str
    net: Decimal
    cost: Decimal
    yes_value: Decimal
    payout: Decimal
    fees: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """All accounts together, in dollars: ``paid_in = cash + collateral + kept``.

    Attributes:
        paid_in: Deposits less withdrawals.
        cash: In the accounts.
        collateral: Held for open contracts, $1 for each pair.
        kept: Fees and fractions of payouts, the exchange's own.
    """

    paid_in: Decimal
    cash: Decimal
    collateral: Decimal
    kept: Decimal


@dataclass(slots=True)
class _Account:
    cash: Decimal = ZERO
    positions: dict[str, Position] = field(default_factory=dict)
    claims: dict[str, ClaimBook] = field(default_factory=dict)
    reserved: dict[str, Decimal] = field(default_factory=dict)


class Accounts:
    """The book-keeping of one exchange."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._accounts: dict[str, _Account] = {}
        self._paid_in = ZERO
        self._kept = ZERO

    def open(self, account: str, cash: Decimal = ZERO) -> None:
        """Add an account with some cash.

        Raises:
            InvalidDataError: If it exists, or the cash is no amount.
        """
        if not account or account in self._accounts:
            raise InvalidDataError(f"An account '{account}' cannot be opened.")
        _require_amount(cash)
        self._accounts[account] = _Account()
        self.deposit(account, cash)

    def deposit(self, account: str, amount: Decimal) -> None:
        """Pay cash in.

        Raises:
            InvalidDataError: If the account is unknown or it is no amount.
        """
        _require_amount(amount)
        self._of(account).cash += amount
        self._paid_in += amount

    def withdraw(self, account: str, amount: Decimal) -> None:
        """Pay cash out that no order reserves.

        Raises:
            InsufficientBalanceError: If less is available.
            InvalidDataError: If the account is unknown or it is no amount.
        """
        _require_amount(amount)
        available = self.balance(account).available
        if amount > available:
            raise _short(account, amount, available)
        self._of(account).cash -= amount
        self._paid_in -= amount

    def __iter__(self) -> Iterator[str]:
        """Yield the accounts in the order of their opening."""
        return iter(self._accounts)

    def balance(self, account: str) -> Balance:
        """Return cash and what is reserved of it.

        Raises:
            InvalidDataError: If the account is unknown.
        """
        held = self._of(account)
        return Balance(held.cash, sum(held.reserved.values(), ZERO))

    def position(self, account: str, market_ticker: str) -> Position:
        """Return what an account holds in a market; nothing when it never traded there.

        Raises:
            InvalidDataError: If the account is unknown.
        """
        return self._of(account).positions.get(market_ticker, Position())

    def positions(self, account: str) -> Mapping[str, Position]:
        """Return every market in which an account ever traded.

        Raises:
            InvalidDataError: If the account is unknown.
        """
        return dict(self._of(account).positions)

    def open_interest(self, market_ticker: str) -> Decimal:
        """Return the contracts of a market that exist: as many YES as NO."""
        return sum((max(ZERO, held.net) for held in self._held(market_ticker)), ZERO)

    def totals(self) -> Totals:
        """Return all accounts together."""
        markets = {ticker for held in self._accounts.values() for ticker in held.positions}
        return Totals(
            paid_in=self._paid_in,
            cash=sum((held.cash for held in self._accounts.values()), ZERO),
            collateral=sum((self.open_interest(ticker) for ticker in markets), ZERO),
            kept=self._kept,
        )

    def require_funds(
        self,
        account: str,
        market_ticker: str,
        *,
        without: Collection[str],
        claim: Claim | None,
        position: Position,
        cash: Decimal,
    ) -> None:
        """Refuse what an account could not pay for.

        Args:
            account: Whose order it is.
            market_ticker: The market.
            without: Orders of the account there that would be gone.
            claim: The order that would be open there.
            position: What the account would then hold there.
            cash: Dollars it would then have.

        Raises:
            InsufficientBalanceError: If its cash would not cover what its orders reserve.
        """
        held = self._of(account)
        book = held.claims.get(market_ticker) or ClaimBook()
        with book.supposing(without=without, claim=claim):
            needed = book.reserve(position)
        elsewhere = sum(held.reserved.values(), ZERO) - held.reserved.get(market_ticker, ZERO)
        if needed + elsewhere > cash:
            raise _short(account, needed, cash - elsewhere)

    def resting(self, account: str, market_ticker: str) -> tuple[str, ...]:
        """Return the ids of an account's resting orders in a market.

        Raises:
            InvalidDataError: If the account is unknown.
        """
        return tuple(self._of(account).claims.get(market_ticker, ()))

    def book_fill(self, leg: FillLeg, market_ticker: str, count: Decimal) -> None:
        """Move the cash and the contracts of one side of a trade."""
        held = self._of(leg.account)
        before = held.positions.get(market_ticker, Position())
        after, payout = before.after_fill(leg.side, price=leg.price, count=count, fee=leg.fee.net)
        held.positions[market_ticker] = after
        held.cash += payout - leg.cash
        self._kept += leg.fee.net

    def set_claims(
        self, account: str, market_ticker: str, claims: Mapping[str, Claim | None]
    ) -> None:
        """Say what some of an account's orders in a market may still cost; None for nothing."""
        held = self._of(account)
        book = held.claims.setdefault(market_ticker, ClaimBook())
        for order_id, claim in claims.items():
            if claim is None:
                book.drop(order_id)
            else:
                book.put(claim)
        held.reserved[market_ticker] = book.reserve(self.position(account, market_ticker))
        if not book:
            del held.claims[market_ticker], held.reserved[market_ticker]

    def settle(self, market_ticker: str, yes_value: Decimal) -> tuple[Settlement, ...]:
        """Pay out a decided market; a second time pays nothing, since nothing is held any more.

        Args:
            market_ticker: A market in which no order rests any more.
            yes_value: Dollars per YES contract: 1, 0 or a scalar value.

        Returns:
            One per account that held contracts.

        Raises:
            InvalidDataError: If the value lies outside 0 to 1 or orders still rest.
        """
        if any(market_ticker in held.claims for held in self._accounts.values()):
            raise InvalidDataError(f"Orders still rest in {market_ticker}; it cannot be settled.")
        require_yes_value(yes_value)
        self._kept += self.open_interest(market_ticker)
        paid: list[Settlement] = []
        for name, held in self._accounts.items():
            before = held.positions.get(market_ticker, Position())
            if before.net == 0:
                continue
            held.positions[market_ticker], payout = before.after_settlement(yes_value)
            held.cash += payout
            self._kept -= payout
            paid.append(
                Settlement(
                    name, market_ticker, before.net, before.cost, yes_value, payout, before.fees
                )
            )
        return tuple(paid)

    def _held(self, market_ticker: str) -> Iterator[Position]:
        for held in self._accounts.values():
            position = held.positions.get(market_ticker)
            if position is not None:
                yield position

    def _of(self, account: str) -> _Account:
        held = self._accounts.get(account)
        if held is None:
            raise InvalidDataError(f"There is no account '{account}'.")
        return held


def _require_amount(amount: Decimal) -> None:
    if not amount.is_finite() or amount < 0 or amount % MICRO_STEP != 0:
        raise InvalidDataError(
            f"An amount is a multiple of {MICRO_STEP} dollars, 0 or more, was {amount}."
        )


def _short(account: str, needed: Decimal, available: Decimal) -> InsufficientBalanceError:
    return InsufficientBalanceError(
        f"{format_dollars(needed)} are needed and {format_dollars(available)} are available.",
        {"account": account, "needed": str(needed), "available": str(available)},
    )
