"""The smallest valid rows of the ground floor."""

from __future__ import annotations

import datetime as dt

import factory

from boz.core.models import JobRun, Level, LogEntry, Notification, NotificationTarget

NOW = dt.datetime(2026, 2, 17, 10, 0, 1, tzinfo=dt.UTC)


class JobRunFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = JobRun

    agent = "probe"
    status = JobRun.Status.OK
    as_of = NOW
    started_at = NOW
    heartbeat_at = NOW
    finished_at = NOW


class LogEntryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = LogEntry

    at = NOW
    level = "WARNING"
    tag = "SYSTEM"
    message = "Something"


class NotificationTargetFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = NotificationTarget

    name = factory.Sequence(lambda number: f"target-{number}")
    minimum_level = Level.INFO

    @classmethod
    def _create(cls, model_class, *args, url: str = "json://canary-url@127.0.0.1/x", **kwargs):
        target = model_class(*args, **kwargs)
        target.set_url(url)
        target.save()
        return target


class NotificationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Notification

    at = NOW
    level = Level.WARNING
    title = "Settlement is late"
