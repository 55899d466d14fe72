"""Addresses of the core's part of the API."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from boz.core.api import views

router = SimpleRouter()
router.register("job-runs", views.JobRunViewSet, basename="api-job-run")
router.register("agent-leases", views.AgentLeaseViewSet, basename="api-agent-lease")
router.register("audit-events", views.AuditEventViewSet, basename="api-audit-event")
router.register("log-entries", views.LogEntryViewSet, basename="api-log-entry")
router.register("notifications", views.NotificationViewSet, basename="api-notification")
router.register(
    "notification-targets", views.NotificationTargetViewSet, basename="api-notification-target"
)

urlpatterns = [
    path("auth/token/", views.TokenView.as_view(), name="api-token"),
    *router.urls,
]
