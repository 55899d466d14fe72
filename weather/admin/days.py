"""Which climate day of which station a page shows, as known when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from weather.admin.forms import DayForm
from weather.models import Station

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ChosenDay:
    """The choice, with its form; without a station the form says what is wrong."""

    form: DayForm
    station: Station | None
    day: dt.date
    as_of: dt.datetime
    is_past: bool

    @property
    def neighbours(self) -> list[dt.date]:
        """Return the day before and the day after."""
        return [self.day - ONE_DAY, self.day + ONE_DAY]


def chosen_day(request: HttpRequest, model_admin: Any, *, now: dt.datetime) -> ChosenDay:
    """Read the choice from the address; without one, the first active station's day of now.

    Raises:
        PermissionDenied: If the user may not look at such rows.
    """
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    first = Station.objects.order_by("-is_active", "code").first()
    today = now.date() if first is None else first.climate_day(now)
    given = {key: request.GET[key] for key in ("station", "day", "as_of") if key in request.GET}
    defaults = {"station": "" if first is None else first.code, "day": today.isoformat()}
    form = DayForm({**defaults, **given})
    if not form.is_valid():
        return ChosenDay(form, None, today, now, is_past=False)
    as_of = form.cleaned_data["as_of"]
    return ChosenDay(
        form=form,
        station=form.cleaned_data["station"],
        day=form.cleaned_data["day"],
        as_of=now if as_of is None else min(as_of, now),
        is_past=as_of is not None and as_of < now,
    )
