"""What the API tests of all apps share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient


def make_user(username: str, **fields: Any) -> Any:
    """Return a user without rights unless told otherwise."""
    user, _ = get_user_model().objects.get_or_create(username=username, defaults=fields)
    return user


def client_of(user: Any) -> APIClient:
    """Return a client that is logged in without a session, so that it adds no queries."""
    client = APIClient()
    client.force_authenticate(user)
    return client


def rows(client: APIClient, path: str, **params: Any) -> list[dict[str, Any]]:
    """Return the rows of a list, which must answer."""
    response = client.get(f"/api/v1/{path}/", params)
    assert response.status_code == 200, (path, response.status_code, response.content)
    return response.json()["results"]


def assert_queries_do_not_grow(
    client: APIClient, path: str, grow: Callable[[], Any], *, at_most: int = 4
) -> None:
    """Read a list, add rows, read again: more rows, as many queries."""
    before_rows, before = _counted(client, path)
    grow()
    after_rows, after = _counted(client, path)
    assert len(before_rows) >= 1, f"{path} has no row to start with"
    assert len(after_rows) > len(before_rows), f"{path} did not grow"
    assert after == before, f"{path}: {before} queries became {after}"
    assert after <= at_most, f"{path}: {after} queries"


def _counted(client: APIClient, path: str) -> tuple[list[dict[str, Any]], int]:
    with CaptureQueriesContext(connection) as context:
        found = rows(client, path)
    return found, len(context)
