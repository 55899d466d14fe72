"""Exact exchange fees: the quadratic trade fee, balance rounding and the per-order accumulator.

A fee is due at the fill, whether the contract later wins or loses. The fee model is
``rate x multiplier x count x price x (1 - price)``; the taker rate is 0.07, the maker rate 0 unless
the series charges makers (0.0175). Whatever is not known here is refused before an order is sent.

Source: the exchange's fee-rounding page (docs.kalshi.com/getting_started/fee_rounding), in the two
wordings read in 2026; see :class:`RoundingRules`. The rates are as reported by third parties; the
official schedule itself is UNVERIFIED, but all 33 account fills of August 2026 are reproduced.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from boz.core.errors import InvalidOrderError, OperatorActionRequired
from boz.core.money import CENT, FEE_STEP, MICRO_STEP, ONE, ZERO, round_down, round_up
from boz.core.schemas import FeeTerms, FeeType

TAKER_RATE = Decimal("0.07")
MAKER_RATE_WHERE_CHARGED = Decimal("0.0175")

#: What a direct member's balance is aligned to, and what a broker's customer's is.
DIRECT_PRECISION = MICRO_STEP
RETAIL_PRECISION = CENT


@dataclass(frozen=True, slots=True)
class RoundingRules:
    """One dated wording of the exchange's rounding page.

    Attributes:
        trade_fee_step: The trade fee is rounded up to this.
        rebate_step: Rebates come in multiples of this; None means the account's precision.
        rebate_needs_excess: Whether a rebate waits until the accumulated rounding *exceeds* the
            step rather than reaches it.
    """

    trade_fee_step: Decimal
    rebate_step: Decimal | None
    rebate_needs_excess: bool


#: As worded in summer 2026; the recorded account fills of August 2026 follow it. Never cheaper on a
#: single fill than the later wording, so it is the default for estimates and for paper fills.
CENTICENT_RULES = RoundingRules(MICRO_STEP, CENT, rebate_needs_excess=True)
#: As worded from about September 2026; the day on which it took force is UNVERIFIED.
SIX_DECIMAL_RULES = RoundingRules(FEE_STEP, None, rebate_needs_excess=False)


@dataclass(frozen=True, slots=True)
class FillFee:
    """What one fill costs beside its price, in dollars: ``net = trade + rounding - rebate``."""

    trade_fee: Decimal
    rounding_fee: Decimal
    rebate: Decimal

    @property
    def net(self) -> Decimal:
        """Return the fee as the exchange reports it (``fee_cost``)."""
        return self.trade_fee + self.rounding_fee - self.rebate


@dataclass(frozen=True, slots=True)
class OrderFeeAccumulator:
    """The rounding that one order has overpaid so far, carried across taker and maker fills.

    Immutable: :meth:`charge` returns the fee and the accumulator after it, so a caller may try a
    fill without booking it. ``accumulated`` is all the state there is to store.
    """

    precision: Decimal = DIRECT_PRECISION
    accumulated: Decimal = ZERO
    rules: RoundingRules = CENTICENT_RULES

    def charge(
        self, *, count: Decimal, price: Decimal, rate: Decimal, multiplier: Decimal = ONE
    ) -> tuple[FillFee, OrderFeeAccumulator]:
        """Return the fee of buying ``count`` contracts at ``price`` and the state after it.

        Args:
            count: Contracts bought, above zero.
            price: Dollars per contract of the side bought.
            rate: Taker or maker rate; see :func:`taker_rate` and :func:`maker_rate`.
            multiplier: The series' or event's fee multiplier.
        """
        trade_fee = round_up(
            _model_fee(count=count, price=price, rate=rate, multiplier=multiplier),
            self.rules.trade_fee_step,
        )
        change = -count * price - trade_fee
        rounding_fee = change - round_down(change, self.precision)
        accumulated = self.accumulated + rounding_fee
        rebate = self._rebate(accumulated, paid=trade_fee + rounding_fee)
        fee = FillFee(trade_fee, rounding_fee, rebate)
        return fee, replace(self, accumulated=accumulated - rebate)

    def _rebate(self, accumulated: Decimal, *, paid: Decimal) -> Decimal:
        """Return the refund due; never more than was paid, since a net fee is never negative."""
        if self.rules.rebate_step is None:
            return round_down(min(accumulated, paid), self.precision)
        step = self.rules.rebate_step
        due = accumulated > step if self.rules.rebate_needs_excess else accumulated >= step
        return step if due and paid >= step else ZERO


def taker_rate(terms: FeeTerms) -> Decimal:
    """Return the rate for a fill that takes resting orders, before the multiplier."""
    _require_known(terms)
    return TAKER_RATE


def maker_rate(terms: FeeTerms) -> Decimal:
    """Return the rate for a fill of our own resting order, before the multiplier."""
    _require_known(terms)
    charged = terms.fee_type is FeeType.QUADRATIC_WITH_MAKER_FEES
    return MAKER_RATE_WHERE_CHARGED if charged else ZERO


def fee_terms_from_exchange(fee_type: str, multiplier: Decimal) -> FeeTerms:
    """Return the fee terms that the exchange states for a series or event.

    Raises:
        OperatorActionRequired: If the type or the multiplier is one we cannot compute exactly; no
            order may go out on a guessed fee.
    """
    facts = {"fee_type": fee_type, "fee_multiplier": str(multiplier)}
    try:
        known = FeeType(fee_type)
    except ValueError as error:
        raise OperatorActionRequired(
            f"The exchange states the fee type '{fee_type}', which we cannot compute; "
            "trading in this series stops until it is supported.",
            facts,
        ) from error
    if not isinstance(multiplier, Decimal) or not multiplier.is_finite() or multiplier < 0:
        raise OperatorActionRequired(
            f"The exchange states the fee multiplier {multiplier}, which makes no sense.", facts
        )
    return FeeTerms(fee_type=known, multiplier=multiplier)


def _model_fee(*, count: Decimal, price: Decimal, rate: Decimal, multiplier: Decimal) -> Decimal:
    if not count.is_finite() or count <= 0:
        raise InvalidOrderError(f"A count must be above zero, was {count}.")
    if not price.is_finite() or not ZERO <= price <= ONE:
        raise InvalidOrderError(f"A price lies between $0 and $1, was {price}.")
    if rate < 0 or multiplier < 0:
        raise InvalidOrderError(f"A fee rate is never negative: {rate} times {multiplier}.")
    return rate * multiplier * count * price * (ONE - price)


def _require_known(terms: FeeTerms) -> None:
    if terms.fee_type not in (FeeType.QUADRATIC, FeeType.QUADRATIC_WITH_MAKER_FEES):
        raise OperatorActionRequired(f"No fee formula is known for '{terms.fee_type}'.")
