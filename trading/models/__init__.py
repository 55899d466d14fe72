"""Who trades, what was decided, what was ordered, and where the money went."""

from trading.models.decisions import Decision, Signal
from trading.models.ledger import LedgerEntry, Position
from trading.models.orders import Fill, Order
from trading.models.portfolios import Portfolio, PortfolioMember, Strategy, StrategyEvent
from trading.models.protections import KillSwitch, Lock
from trading.models.research import Backtest, BacktestRun
from trading.models.trades import Trade

__all__ = [
    "Backtest",
    "BacktestRun",
    "Decision",
    "Fill",
    "KillSwitch",
    "LedgerEntry",
    "Lock",
    "Order",
    "Portfolio",
    "PortfolioMember",
    "Position",
    "Signal",
    "Strategy",
    "StrategyEvent",
    "Trade",
]
