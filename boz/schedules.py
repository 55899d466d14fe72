"""What runs when, in UTC. `manage.py sync_schedules` writes it into the queue."""

from __future__ import annotations

from boz.core.scheduling import ScheduleEntry

SCHEDULES = [
    ScheduleEntry("Forecasts", "forecasts", "*/15 * * * *", "Read forecasts that are new."),
    ScheduleEntry("Observations", "observations", "*/5 * * * *", "Read station observations."),
    ScheduleEntry("Reports", "reports", "*/15 * * * *", "Read reports on whole days."),
    ScheduleEntry("Markets", "markets", "*/5 * * * *", "Read events, books and results."),
    ScheduleEntry("Candles", "candles", "3 * * * *", "Read hourly candles, compute indicators."),
    ScheduleEntry("Retention", "retention", "25 8 * * *", "Thin out old quotes and books."),
    ScheduleEntry("Predictions", "predict", "5,35 * * * *", "Predict every open climate day."),
    ScheduleEntry("Trading cycle", "trade", "*/15 * * * *", "Decide and act."),
    ScheduleEntry("Approvals' expiry", "expire_approvals", "* * * * *", "End what waited long."),
    ScheduleEntry("Settlement", "settle", "*/15 * * * *", "Settle, explain and verify."),
    ScheduleEntry("Reconciliation", "reconcile", "*/10 * * * *", "Resolve unproven orders."),
    ScheduleEntry("Fit", "fit", "20 7 * * *", "Learn bias and spread from past errors."),
    ScheduleEntry("Digest", "digest", "10 13 * * *", "Write up the exchange day that ended."),
    ScheduleEntry("Notifications", "notify", "* * * * *", "Deliver what waits to be told."),
]
