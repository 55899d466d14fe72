"""Addresses of the settlement part of the API."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from settlement.api import views

router = SimpleRouter()
router.register("settlements", views.SettlementViewSet, basename="api-settlement")
router.register("post-mortems", views.PostMortemViewSet, basename="api-post-mortem")
router.register("digests", views.DigestViewSet, basename="api-digest")

urlpatterns = router.urls
