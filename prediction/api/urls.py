"""Addresses of the prediction part of the API."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from prediction.api import views

router = SimpleRouter()
router.register("engine-fits", views.EngineFitViewSet, basename="api-engine-fit")
router.register("predictions", views.PredictionViewSet, basename="api-prediction")
router.register("verifications", views.VerificationViewSet, basename="api-verification")

urlpatterns = router.urls
