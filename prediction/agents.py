"""The jobs of this app, by name."""

from __future__ import annotations

import datetime as dt

from boz.core.agents import AgentResult, register_agent
from prediction.services.fit import fit_all
from prediction.services.predict import predict_all
from prediction.services.unscored import drop_unscored_beliefs


def run_predict(now: dt.datetime) -> AgentResult:
    """Predict the days of all tradeable events."""
    return predict_all(now=now)


def run_fit(now: dt.datetime) -> AgentResult:
    """Learn from all forecast errors known; drop what will never be scored."""
    result = fit_all(now=now)
    dropped = drop_unscored_beliefs(now=now)
    return AgentResult(done={**result.done, "dropped_beliefs": dropped}, skipped=result.skipped)


register_agent(
    "fit", run_fit, description="Learns how wrong each forecast source has been.", order=30
)
register_agent(
    "predict",
    run_predict,
    description="Makes one distribution of the day's high per open event.",
    order=40,
)
