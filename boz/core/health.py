"""Whether we are alive, and what Prometheus may know."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from boz.core.logging import get_logger

log = get_logger("SYSTEM")


@never_cache
@require_safe
def health_view(request: HttpRequest) -> JsonResponse:
    """Answer ``{"status": "healthy"}`` when the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as error:
        log.error("The database cannot be reached", reason=str(error))
        return JsonResponse({"status": "unhealthy"}, status=503)
    return JsonResponse({"status": "healthy"})


@never_cache
@require_safe
def metrics_view(request: HttpRequest) -> HttpResponse:
    """Answer with the metrics, for staff or with the bearer token ``METRICS_TOKEN``."""
    if not (_is_staff(request) or _has_metrics_token(request)):
        response = HttpResponse("Metrics need a staff session or the bearer token.\n", status=401)
        response["WWW-Authenticate"] = 'Bearer realm="metrics"'
        response["Content-Type"] = "text/plain; charset=utf-8"
        return response
    return ExportToDjangoView(request)


def _is_staff(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return user is not None and user.is_active and user.is_staff


def _has_metrics_token(request: HttpRequest) -> bool:
    expected = getattr(settings, "METRICS_TOKEN", "")
    scheme, _, offered = request.headers.get("Authorization", "").partition(" ")
    if not expected or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(offered.strip().encode(), expected.encode())
