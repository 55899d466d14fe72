"""What everything that the outside says has in common: when it was said, and when we knew."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import Q

from weather.models.payloads import Payload


class SaidQuerySet(models.QuerySet):
    """Reads as of a moment; every read that leads to a decision goes through :meth:`known`."""

    def known(self, as_of: dt.datetime) -> Self:
        """Keep what was available at ``as_of`` and had not been withdrawn by then."""
        standing = Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gt=as_of)
        return self.filter(standing, available_at__lte=as_of)


class Said(models.Model):
    """A row from outside. Facts are never changed; a wrong one is withdrawn, with a reason."""

    issued_at = models.DateTimeField(help_text="When the source issued it.")
    available_at = models.DateTimeField(help_text="When we could first have known it.")
    fetched_at = models.DateTimeField(help_text="When we fetched it.")
    payload = models.ForeignKey(
        Payload, null=True, blank=True, on_delete=models.SET_NULL, help_text="The raw answer."
    )
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="From when on it no longer counts; empty = it counts."
    )
    withdrawn_because = models.TextField(blank=True, help_text="Why the operator withdrew it.")

    objects = SaidQuerySet.as_manager()

    class Meta:
        abstract = True
