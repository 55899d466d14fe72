"""Filters of the core's rows, and those that every app uses."""

from __future__ import annotations

from django_filters import rest_framework as filters

from boz.core.models import AuditEvent, JobRun, LogEntry, Notification


class ClimateDayFilterSet(filters.FilterSet):
    """Filters for rows that carry a climate day of their own."""

    climate_day = filters.DateFilter()
    climate_day_from = filters.DateFilter(field_name="climate_day", lookup_expr="gte")
    climate_day_to = filters.DateFilter(field_name="climate_day", lookup_expr="lte")


class JobRunFilter(filters.FilterSet):
    """Runs of an agent, by outcome and time."""

    started_from = filters.IsoDateTimeFilter(field_name="started_at", lookup_expr="gte")
    started_to = filters.IsoDateTimeFilter(field_name="started_at", lookup_expr="lte")

    class Meta:
        model = JobRun
        fields = ("agent", "status", "is_dry_run")


class AuditEventFilter(filters.FilterSet):
    """Changes by actor, action, subject and time."""

    at_from = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    at_to = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lte")

    class Meta:
        model = AuditEvent
        fields = ("actor", "action", "subject")


class LogEntryFilter(filters.FilterSet):
    """Log lines by level, tag and time."""

    at_from = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    at_to = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lte")

    class Meta:
        model = LogEntry
        fields = ("level", "tag")


class NotificationFilter(filters.FilterSet):
    """Messages by level, time and whether they were delivered."""

    at_from = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    at_to = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lte")
    is_waiting = filters.BooleanFilter(field_name="delivered_at", lookup_expr="isnull")

    class Meta:
        model = Notification
        fields = ("level",)
