"""Addresses of the console."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from boz.console import views

app_name = "console"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("trades/<int:trade_id>/", views.trade_detail, name="trade"),
    path("login/", views.LoginPage.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
