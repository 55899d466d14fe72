"""The contract of the API: committed, complete, and reachable without a network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.urls import URLResolver, get_resolver
from rest_framework.viewsets import ReadOnlyModelViewSet

OUR_APPS = ("core", "weather", "markets", "prediction", "trading", "settlement")


def viewsets(resolver: URLResolver | None = None):
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from viewsets(pattern)
        else:
            kind = getattr(pattern.callback, "cls", None)
            if isinstance(kind, type) and issubclass(kind, ReadOnlyModelViewSet):
                yield kind


def test_the_committed_schema_is_what_the_code_gives():
    # Integer ranges in the schema come from the database; the committed one is SQLite's.
    fresh = subprocess.run(
        [sys.executable, "manage.py", "spectacular", "--validate", "--fail-on-warn"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": "sqlite:///:memory:"},
        capture_output=True,
        text=True,
        check=False,
    )

    committed = Path(settings.BASE_DIR, "docs", "openapi.yaml").read_text()

    assert fresh.returncode == 0, fresh.stderr
    assert fresh.stdout.strip() == committed.strip(), "Run: make schema"


@pytest.mark.parametrize("label", OUR_APPS)
def test_every_model_can_be_read(label):
    readable = {kind.queryset.model for kind in viewsets()}

    missing = [
        model.__name__
        for model in apps.get_app_config(label).get_models()
        if model not in readable and not model.__name__.startswith("Historical")
    ]

    assert missing == []


def test_no_row_can_be_ordered_by_a_column_that_may_be_null():
    for kind in viewsets():
        for name in kind.ordering_fields:
            assert not kind.queryset.model._meta.get_field(name).null, (kind.__name__, name)


@pytest.mark.django_db
def test_the_documentation_is_served_from_this_machine(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("anna"))
    page = client.get("/api/v1/docs/")

    assert page.status_code == 200
    text = page.content.decode()
    assert "swagger-ui" in text
    assert "https://" not in text.replace("https://testserver", "")
