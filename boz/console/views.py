"""The pages: each asks the selectors for everything it shows, then renders."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from boz.console import selectors
from boz.core.api.throttles import LoginPerAddress, LoginPerName
from boz.core.clock import utc_now
from boz.core.errors import DataUnavailable


class LoginPage(LoginView):
    """Log in; failed attempts are counted by address and by name, as those on the API are."""

    template_name = "console/login.html"
    redirect_authenticated_user = True
    throttles = (LoginPerAddress, LoginPerName)

    def post(self, request: HttpRequest, *args: str, **kwargs: object) -> HttpResponse:
        """Check the password, unless too many were wrong lately."""
        attempt = SimpleNamespace(META=request.META, data=request.POST)
        if any(throttle().is_exhausted(attempt) for throttle in self.throttles):
            context = self.get_context_data(form=self.form_class(request), is_throttled=True)
            return self.render_to_response(context, status=429)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Count the failure and show the form again."""
        attempt = SimpleNamespace(META=self.request.META, data=self.request.POST)
        for throttle in self.throttles:
            throttle().count(attempt)
        return super().form_invalid(form)


@require_safe
@login_required
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """Show the desk: figures, ladders, trades and the health of the jobs."""
    try:
        page = selectors.overview(
            user=request.user,
            portfolio_id=_whole(request, "portfolio"),
            day=_day(request),
            trades_page=_whole(request, "page") or 1,
            now=utc_now(),
        )
    except DataUnavailable as error:
        raise Http404(error.message) from error
    return render(request, "console/overview.html", {"page": page})


@require_safe
@login_required
@never_cache
def trade_detail(request: HttpRequest, trade_id: int) -> HttpResponse:
    """Show one trade: what, what happened, why, and how sure we were."""
    try:
        detail = selectors.trade_detail(user=request.user, trade_id=trade_id)
    except DataUnavailable as error:
        raise Http404(error.message) from error
    return render(request, "console/trade.html", {"detail": detail, "trade": detail.trade})


def _whole(request: HttpRequest, name: str) -> int | None:
    """Read a whole number from the address; anything else is a page that does not exist."""
    text = request.GET.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Http404(f"{name} must be a whole number.")
    return int(text)


def _day(request: HttpRequest) -> dt.date | None:
    text = request.GET.get("day", "")
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise Http404("day must be a date such as 2024-11-20.") from error
