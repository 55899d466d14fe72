from __future__ import annotations

import pytest
from django.core.cache import cache
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from boz.core.tests.api_helpers import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _fresh_counters(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def user():
    user = make_user("anna")
    user.set_password(PASSWORD)
    user.save()
    return user


def ask(client, password=PASSWORD, **extra):
    return client.post(
        "/api/v1/auth/token/", {"username": "anna", "password": password}, format="json", **extra
    )


def test_name_and_password_give_a_token_that_opens_the_api(user):
    response = ask(APIClient())

    assert response.status_code == 200
    bearer = APIClient(HTTP_AUTHORIZATION=f"Token {response.json()['token']}")
    assert bearer.get("/api/v1/stations/").status_code == 200


def test_a_wrong_password_gives_no_token(user):
    response = ask(APIClient(), password="wrong")

    assert response.status_code == 400
    assert response.json()["error"] == "ValidationError"
    assert not Token.objects.exists()


def test_an_inactive_user_gets_no_token(user):
    user.is_active = False
    user.save()

    assert ask(APIClient()).status_code == 400


def test_guessing_is_slowed_down_whatever_address_is_claimed(user):
    client = APIClient()
    for index in range(10):
        assert ask(client, "wrong", HTTP_X_FORWARDED_FOR=f"10.0.0.{index}").status_code == 400

    response = ask(client, HTTP_X_FORWARDED_FOR="10.0.0.99")

    assert response.status_code == 429
    assert response.json()["error"] == "Throttled"
    assert response.json()["context"]["retry_after_seconds"] > 0


def test_guessing_one_name_from_many_addresses_is_slowed_down(user):
    client = APIClient()
    for index in range(10):
        ask(client, "wrong", REMOTE_ADDR=f"10.0.0.{index}")

    assert ask(client, REMOTE_ADDR="10.0.0.99").status_code == 429


def test_a_session_opens_the_api_and_a_write_needs_its_csrf_token(client, user):
    client.force_login(user)
    assert client.get("/api/v1/stations/").status_code == 200

    strict = APIClient(enforce_csrf_checks=True)
    strict.force_login(user)
    response = strict.post("/api/v1/kill-switch/", {"is_on": True, "reason": "x"}, format="json")

    assert response.status_code == 403
    assert "CSRF" in response.json()["message"]
