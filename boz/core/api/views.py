"""Token login and the core's rows; the rows are for staff only."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.authtoken.models import Token
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from boz.core.api.filters import (
    AuditEventFilter,
    JobRunFilter,
    LogEntryFilter,
    NotificationFilter,
)
from boz.core.api.serializers import (
    AgentLeaseSerializer,
    AuditEventSerializer,
    ErrorSerializer,
    JobRunSerializer,
    LogEntrySerializer,
    NotificationSerializer,
    NotificationTargetSerializer,
    TokenRequestSerializer,
    TokenSerializer,
)
from boz.core.api.throttles import LoginPerAddress, LoginPerName
from boz.core.api.viewsets import StaffReadViewSet
from boz.core.models import (
    AgentLease,
    AuditEvent,
    JobRun,
    LogEntry,
    Notification,
    NotificationTarget,
)


class TokenView(APIView):
    """Exchange a user name and password for the user's token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (LoginPerAddress, LoginPerName)

    @extend_schema(
        request=TokenRequestSerializer,
        responses={
            200: TokenSerializer,
            400: OpenApiResponse(ErrorSerializer, description="Wrong name or password."),
            429: OpenApiResponse(ErrorSerializer, description="Too many attempts."),
        },
        auth=[],
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the token; the same until it is deleted in the admin."""
        credentials = AuthTokenSerializer(data=request.data, context={"request": request})
        credentials.is_valid(raise_exception=True)
        token, _ = Token.objects.get_or_create(user=credentials.validated_data["user"])
        return Response({"token": token.key})


class JobRunViewSet(StaffReadViewSet):
    """Runs of the agents."""

    queryset = JobRun.objects.all()
    serializer_class = JobRunSerializer
    filterset_class = JobRunFilter
    ordering_fields = ("id", "started_at", "as_of", "agent")


class AgentLeaseViewSet(StaffReadViewSet):
    """Who may run an agent now."""

    queryset = AgentLease.objects.all()
    serializer_class = AgentLeaseSerializer
    filterset_fields = ("agent",)
    ordering_fields = ("id", "agent")


class AuditEventViewSet(StaffReadViewSet):
    """What people and agents changed."""

    queryset = AuditEvent.objects.all()
    serializer_class = AuditEventSerializer
    filterset_class = AuditEventFilter
    ordering_fields = ("id", "at")


class LogEntryViewSet(StaffReadViewSet):
    """Log lines of level WARNING or above."""

    queryset = LogEntry.objects.all()
    serializer_class = LogEntrySerializer
    filterset_class = LogEntryFilter
    ordering_fields = ("id", "at")


class NotificationTargetViewSet(StaffReadViewSet):
    """Where messages to people go."""

    queryset = NotificationTarget.objects.all()
    serializer_class = NotificationTargetSerializer
    filterset_fields = ("minimum_level", "is_active")
    ordering_fields = ("id", "name")


class NotificationViewSet(StaffReadViewSet):
    """Messages to people."""

    queryset = Notification.objects.all()
    serializer_class = NotificationSerializer
    filterset_class = NotificationFilter
    ordering_fields = ("id", "at")
