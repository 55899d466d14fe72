"""Columns that several tables share."""

from __future__ import annotations

from django.db import models


def price_field(help_text: str, *, null: bool = False) -> models.DecimalField:
    """Return a column for dollars of a one-dollar contract."""
    return models.DecimalField(
        max_digits=6, decimal_places=4, null=null, blank=null, help_text=help_text
    )


def count_field(help_text: str, *, null: bool = False) -> models.DecimalField:
    """Return a column for a number of contracts."""
    return models.DecimalField(
        max_digits=14, decimal_places=2, null=null, blank=null, help_text=help_text
    )
