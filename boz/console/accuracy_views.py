"""The pages about accuracy: each reads its choices from the address, then renders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from boz.console import accuracy
from boz.core.clock import utc_now
from boz.core.errors import DataUnavailable
from prediction.domain.horizons import Horizon
from prediction.selectors.accuracy import WINDOWS_DAYS

_LONGEST_NAME = 40


@require_safe
@login_required
@never_cache
def engines(request: HttpRequest) -> HttpResponse:
    """Show the engines' scores, the lead over the market and the weights."""
    return _render(request, "console/accuracy_engines.html", accuracy.engines_page)


@require_safe
@login_required
@never_cache
def calibration(request: HttpRequest) -> HttpResponse:
    """Show whether probabilities and spreads come true."""
    return _render(request, "console/accuracy_calibration.html", accuracy.calibration_page)


@require_safe
@login_required
@never_cache
def sources(request: HttpRequest) -> HttpResponse:
    """Show how far each forecast source was from the official highs."""
    return _render(request, "console/accuracy_sources.html", accuracy.sources_page)


def _render(request: HttpRequest, template: str, gather: Callable[..., Any]) -> HttpResponse:
    try:
        page = gather(_asked(request), now=utc_now())
    except DataUnavailable as error:
        raise Http404(error.message) from error
    return render(request, template, {"page": page, "choices": page.choices})


def _asked(request: HttpRequest) -> accuracy.Asked:
    """Read the choices; what makes no sense is a page that does not exist."""
    horizon, days = request.GET.get("horizon", ""), request.GET.get("days", "")
    engine = request.GET.get("engine", "")
    if horizon and horizon not in {item.value for item in Horizon}:
        raise Http404("There is no such horizon.")
    if days and days not in {str(window) for window in WINDOWS_DAYS}:
        raise Http404("There is no such window.")
    if len(engine) > _LONGEST_NAME or not (not engine or engine.isidentifier()):
        raise Http404("There is no such engine.")
    return accuracy.Asked(
        station=request.GET.get("station", "") or None,
        horizon=Horizon(horizon) if horizon else None,
        engine=engine or None,
        window_days=int(days) if days else None,
    )
