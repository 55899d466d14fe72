"""What admin classes of all apps share."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString


class ReadOnlyAdminMixin:
    """Facts are looked at, never added, changed or deleted by hand.

    Admin actions still work, since they call services.
    """

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Refuse adding; inlines pass the parent as one more argument."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse changing; pages stay visible through the view permission."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse deleting."""
        return False


class NoDeleteAdminMixin:
    """Rows that other rows rely on are switched off, never deleted by hand."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse deleting."""
        return False


class ReadOnlyInline(ReadOnlyAdminMixin, admin.TabularInline):
    """A table of related facts below a row."""

    extra = 0
    can_delete = False
    show_change_link = True


def json_block(value: Any) -> SafeString:
    """Return a JSON value as readable, escaped text for an admin page."""
    text = json.dumps(value, indent=2, sort_keys=True, default=str, ensure_ascii=False)
    return format_html("<pre>{}</pre>", text)
