"""Addresses for tests of views and middleware, without the other apps."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path

from boz.core.health import health_view, metrics_view


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/health", health_view),
    path("metrics", metrics_view),
    path("docs/page", page),
    path("page", page),
    path("broken", broken),
]
