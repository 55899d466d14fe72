"""Every address of the site."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from boz.core.health import health_view, metrics_view

admin.site.site_header = "Boz Weather Trader"
admin.site.site_title = "Boz"
admin.site.index_title = "Operator console"

urlpatterns = [
    path("", include("boz.console.urls")),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}console/icon.svg")),
    path("admin/", admin.site.urls),
    path("api/health", health_view, name="health"),
    path("metrics", metrics_view, name="metrics"),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/v1/docs/", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
    path("api/v1/", include("boz.core.api.urls")),
    path("api/v1/", include("weather.api.urls")),
    path("api/v1/", include("markets.api.urls")),
    path("api/v1/", include("prediction.api.urls")),
    path("api/v1/", include("trading.api.urls")),
    path("api/v1/", include("settlement.api.urls")),
]
