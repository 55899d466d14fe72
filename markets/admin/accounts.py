"""Accounts at the exchange."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from boz.core.admin_mixins import NoDeleteAdminMixin
from boz.core.clock import utc_now
from boz.core.errors import BozBaseException
from markets.forms import ExchangeAccountForm, ReasonActionForm
from markets.models import ExchangeAccount
from markets.services.accounts import (
    change_account,
    open_account,
    remove_previous_key,
    replace_key,
    resume_account,
)


@admin.register(ExchangeAccount)
class ExchangeAccountAdmin(NoDeleteAdminMixin, admin.ModelAdmin):
    """Accounts; a private key goes in and never comes out."""

    form = ExchangeAccountForm
    list_display = (
        "name", "environment", "key_id", "previous_key_id", "is_active", "halted_reason",
        "last_used_at",
    )  # fmt: skip
    list_filter = ("environment", "is_active")
    search_fields = ("name", "key_id")
    readonly_fields = (
        "previous_key_id", "halted_reason", "scopes", "exchange_user_id", "uuid", "created_at",
        "last_used_at",
    )  # fmt: skip
    fields = (
        "name", "environment", "key_id", "private_key", "private_key_file", "is_active",
        *readonly_fields,
    )  # fmt: skip
    action_form = ReasonActionForm
    actions = ("remove_key_before", "end_halt")

    @admin.action(description="Remove the key before (needs a reason)", permissions=["change"])
    def remove_key_before(self, request: HttpRequest, queryset: QuerySet[ExchangeAccount]) -> None:
        """End the overlap of a replaced key."""
        self._each(request, queryset, remove_previous_key, "The key before is gone from {}.")

    @admin.action(description="End the halt (needs a reason)", permissions=["change"])
    def end_halt(self, request: HttpRequest, queryset: QuerySet[ExchangeAccount]) -> None:
        """Let the account be used again."""
        self._each(request, queryset, resume_account, "{} is in use again.")

    def _each(
        self, request: HttpRequest, queryset: QuerySet[ExchangeAccount], service: Any, told: str
    ) -> None:
        reason = request.POST.get("reason", "")
        for account in queryset:
            try:
                service(
                    account_id=account.pk,
                    actor=request.user.get_username(),
                    reason=reason,
                    now=utc_now(),
                )
            except BozBaseException as error:
                self.message_user(request, error.message, messages.ERROR)
                return
            self.message_user(request, told.format(account.name), messages.SUCCESS)

    def save_model(
        self, request: HttpRequest, obj: ExchangeAccount, form: ModelForm, change: bool
    ) -> None:
        """Store it and record who did, without the key."""
        actor, now, cleaned = request.user.get_username(), utc_now(), form.cleaned_data
        names = ("name", "environment", "key_id")
        if not change:
            opened = open_account(
                **{name: cleaned[name] for name in names},
                is_active=cleaned["is_active"],
                pem=cleaned["pem"],
                actor=actor,
                now=now,
            )
            obj.pk, obj.uuid = opened.pk, opened.uuid
            return
        if cleaned["pem"]:
            replace_key(
                account_id=obj.pk,
                key_id=cleaned["key_id"],
                pem=cleaned["pem"],
                actor=actor,
                reason="Replaced in the admin.",
                now=now,
            )
        if {"name", "is_active"} & set(form.changed_data):
            change_account(
                account_id=obj.pk,
                name=cleaned["name"],
                is_active=cleaned["is_active"],
                actor=actor,
                reason="Changed in the admin.",
                now=now,
            )
