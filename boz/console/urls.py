"""Addresses of the console."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from boz.console import views

app_name = "console"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("trades/<int:trade_id>/", views.trade_detail, name="trade"),
    path(
        "login/",
        LoginView.as_view(template_name="console/login.html", redirect_authenticated_user=True),
        name="login",
    ),
    path("logout/", LogoutView.as_view(), name="logout"),
]
