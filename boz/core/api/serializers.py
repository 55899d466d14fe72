"""Shapes of the core's rows and of what every endpoint answers."""

from __future__ import annotations

from rest_framework import serializers

from boz.core.models import (
    AgentLease,
    AuditEvent,
    JobRun,
    LogEntry,
    Notification,
    NotificationTarget,
)


class ErrorSerializer(serializers.Serializer):
    """What every refused request answers."""

    error = serializers.CharField(help_text="Class of the error; stable.")
    message = serializers.CharField(help_text="One sentence for people.")
    context = serializers.DictField(  # type: ignore[assignment]  # the name is the contract
        help_text="The facts behind the sentence."
    )


class TokenRequestSerializer(serializers.Serializer):
    """Who wants a token."""

    username = serializers.CharField()
    password = serializers.CharField(
        style={"input_type": "password"}, trim_whitespace=False, write_only=True
    )


class TokenSerializer(serializers.Serializer):
    """A token for the header ``Authorization: Token …``."""

    token = serializers.CharField()


class JobRunSerializer(serializers.ModelSerializer):
    """One run of an agent."""

    duration_seconds = serializers.FloatField(
        read_only=True, allow_null=True, help_text="How long it took; null while it runs."
    )

    class Meta:
        model = JobRun
        fields = (
            "id",
            "agent",
            "status",
            "is_dry_run",
            "as_of",
            "started_at",
            "heartbeat_at",
            "finished_at",
            "duration_seconds",
            "done",
            "skipped",
            "error",
        )


class AgentLeaseSerializer(serializers.ModelSerializer):
    """Who may run an agent now."""

    class Meta:
        model = AgentLease
        fields = ("id", "agent", "holder", "expires_at")


class AuditEventSerializer(serializers.ModelSerializer):
    """One change, with its place in the hash chain."""

    class Meta:
        model = AuditEvent
        fields = (
            "id",
            "at",
            "actor",
            "action",
            "subject",
            "before",
            "after",
            "reason",
            "previous_hash",
            "hash",
        )


class LogEntrySerializer(serializers.ModelSerializer):
    """One log line of level WARNING or above."""

    class Meta:
        model = LogEntry
        fields = ("id", "at", "level", "tag", "message", "context")


class NotificationTargetSerializer(serializers.ModelSerializer):
    """Where messages go; the address holds credentials and is never shown."""

    minimum_level = serializers.CharField(
        read_only=True, help_text="Messages below this level are not sent here."
    )

    class Meta:
        model = NotificationTarget
        fields = ("id", "uuid", "name", "minimum_level", "is_active")


class NotificationSerializer(serializers.ModelSerializer):
    """One message to people, and how its delivery went."""

    class Meta:
        model = Notification
        fields = (
            "id",
            "at",
            "level",
            "title",
            "body",
            "subject_key",
            "delivered_at",
            "delivered_to",
            "attempts",
            "last_attempt_at",
            "last_error",
        )
