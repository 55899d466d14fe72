"""Addresses of the prediction part of the API."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from prediction.api import accuracy_views, views

router = SimpleRouter()
router.register("champions", views.ChampionViewSet, basename="api-champion")
router.register("engine-beliefs", views.EngineBeliefViewSet, basename="api-engine-belief")
router.register("engine-fits", views.EngineFitViewSet, basename="api-engine-fit")
router.register("predictions", views.PredictionViewSet, basename="api-prediction")
router.register("verifications", views.VerificationViewSet, basename="api-verification")

urlpatterns = [
    path(
        "accuracy/engines/",
        accuracy_views.EngineAccuracyView.as_view(),
        name="api-accuracy-engines",
    ),
    path(
        "accuracy/sources/",
        accuracy_views.SourceAccuracyView.as_view(),
        name="api-accuracy-sources",
    ),
    path(
        "accuracy/reliability/",
        accuracy_views.ReliabilityView.as_view(),
        name="api-accuracy-reliability",
    ),
    path("accuracy/grades/", accuracy_views.GradesView.as_view(), name="api-accuracy-grades"),
    path("accuracy/pit/", accuracy_views.PitView.as_view(), name="api-accuracy-pit"),
    path("accuracy/weights/", accuracy_views.WeightsView.as_view(), name="api-accuracy-weights"),
    path(
        "accuracy/advantage/",
        accuracy_views.AdvantageView.as_view(),
        name="api-accuracy-advantage",
    ),
    *router.urls,
]
