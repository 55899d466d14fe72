"""Every error of the API in one shape: ``{"error", "message", "context"}``.

Our own errors keep their class name and sentence; the framework's get the same shape, so that a
caller needs one branch only.
"""

from __future__ import annotations

import math
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from boz.core.errors import (
    BozBaseException,
    DataUnavailable,
    InvalidDataError,
    InvalidOrderError,
    OperatorActionRequired,
    QuarantinedError,
    RiskLimitError,
    TransientError,
)

#: The first class that matches decides, so a subclass stands before its parent.
STATUS_OF_ERROR: tuple[tuple[type[BozBaseException], int], ...] = (
    (InvalidOrderError, status.HTTP_409_CONFLICT),
    (InvalidDataError, status.HTTP_400_BAD_REQUEST),
    (RiskLimitError, status.HTTP_409_CONFLICT),
    (QuarantinedError, status.HTTP_409_CONFLICT),
    (OperatorActionRequired, status.HTTP_409_CONFLICT),
    (DataUnavailable, status.HTTP_404_NOT_FOUND),
    (TransientError, status.HTTP_503_SERVICE_UNAVAILABLE),
)


def render_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the response for an error, or None to let an unknown one be a logged 500."""
    if isinstance(error, BozBaseException):
        return Response(error.as_dict(), status=_status_of(error))
    if isinstance(error, ValidationError):
        error = exceptions.ValidationError(detail=_validation_detail(error))
    response = exception_handler(error, context)
    if response is None:
        return None
    response.data = {
        "error": _name_of(error),
        "message": _sentence(error, response.data),
        "context": _facts(error, response.data),
    }
    return response


def _status_of(error: BozBaseException) -> int:
    for kind, code in STATUS_OF_ERROR:
        if isinstance(error, kind):
            return code
    return status.HTTP_500_INTERNAL_SERVER_ERROR


def _validation_detail(error: ValidationError) -> Any:
    return error.message_dict if hasattr(error, "error_dict") else error.messages


def _name_of(error: Exception) -> str:
    if isinstance(error, Http404):
        return "NotFound"
    if isinstance(error, PermissionDenied):
        return "PermissionDenied"
    return type(error).__name__


def _sentence(error: Exception, data: Any) -> str:
    if isinstance(error, exceptions.ValidationError):
        return "The request is not valid; see the context for each field."
    detail = data.get("detail") if isinstance(data, dict) else None
    return str(detail) if detail else "The request could not be answered."


def _facts(error: Exception, data: Any) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        return data if isinstance(data, dict) else {"non_field_errors": data}
    if isinstance(error, exceptions.Throttled):
        wait = getattr(error, "wait", None)
        return {} if wait is None else {"retry_after_seconds": math.ceil(wait)}
    return {}
