"""Addresses of the console."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from boz.console import accuracy_views, views

app_name = "console"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("trades/<int:trade_id>/", views.trade_detail, name="trade"),
    path("accuracy/", accuracy_views.engines, name="accuracy"),
    path("accuracy/calibration/", accuracy_views.calibration, name="accuracy-calibration"),
    path("accuracy/sources/", accuracy_views.sources, name="accuracy-sources"),
    path("login/", views.LoginPage.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
