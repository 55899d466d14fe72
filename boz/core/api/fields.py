"""Fields that serializers of several apps use."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


def natural_key(name: str, **options: Any) -> Any:
    """Return a read-only field that shows a related row by its own key, e.g. a ticker.

    Args:
        name: Field of the related row.
        options: Further options of the field, such as ``allow_null``.
    """
    return serializers.SlugRelatedField(slug_field=name, read_only=True, **options)
