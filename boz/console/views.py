"""The pages: each asks the selectors for everything it shows, then renders."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """Show the desk: figures, ladders, trades and the health of the jobs."""
    return render(request, "console/overview.html", {})


@login_required
def trade_detail(request: HttpRequest, trade_id: int) -> HttpResponse:
    """Show one trade: what, what happened, why, and how sure we were."""
    return render(request, "console/trade.html", {"trade_id": trade_id})
