from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from rest_framework import exceptions

from boz.core.api.errors import render_error
from boz.core.errors import (
    BozBaseException,
    CooldownActiveError,
    DataUnavailable,
    InsufficientBalanceError,
    InvalidDataError,
    InvalidOrderError,
    OperatorActionRequired,
    QuarantinedError,
    RiskLimitError,
    StaleDataError,
    TransientError,
)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (InvalidOrderError, 409),
        (InvalidDataError, 400),
        (RiskLimitError, 409),
        (CooldownActiveError, 409),
        (InsufficientBalanceError, 409),
        (QuarantinedError, 409),
        (OperatorActionRequired, 409),
        (DataUnavailable, 404),
        (StaleDataError, 404),
        (TransientError, 503),
        (BozBaseException, 500),
    ],
)
def test_own_errors_keep_their_name_sentence_and_facts(kind, status):
    response = render_error(kind("No.", {"limit": 0}), {})

    assert response.status_code == status
    assert response.data == {"error": kind.__name__, "message": "No.", "context": {"limit": 0}}


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (Http404(), 404, "NotFound"),
        (PermissionDenied(), 403, "PermissionDenied"),
        (exceptions.NotAuthenticated(), 401, "NotAuthenticated"),
        (exceptions.MethodNotAllowed("PUT"), 405, "MethodNotAllowed"),
        (exceptions.ParseError(), 400, "ParseError"),
        (exceptions.Throttled(wait=3), 429, "Throttled"),
        (exceptions.ValidationError({"reason": ["required"]}), 400, "ValidationError"),
        (exceptions.ValidationError("wrong"), 400, "ValidationError"),
        (ValidationError({"name": ["taken"]}), 400, "ValidationError"),
    ],
)
def test_the_frameworks_errors_have_the_same_shape(error, status, name):
    response = render_error(error, {})

    assert (response.status_code, response.data["error"]) == (status, name)
    assert set(response.data) == {"error", "message", "context"}
    assert response.data["message"]
    assert isinstance(response.data["context"], dict)


def test_a_field_error_names_the_field():
    response = render_error(exceptions.ValidationError({"reason": ["required"]}), {})

    assert response.data["context"] == {"reason": ["required"]}


def test_an_unknown_error_is_left_to_the_server():
    assert render_error(RuntimeError("bug"), {}) is None
