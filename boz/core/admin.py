"""The operator's view of runs, log rows, the audit trail and notifications."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from boz.core.admin_mixins import ReadOnlyAdminMixin, json_block
from boz.core.audit import record_audit
from boz.core.clock import utc_now
from boz.core.models import (
    AgentLease,
    AuditEvent,
    JobRun,
    LogEntry,
    Notification,
    NotificationTarget,
)


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Runs of agents."""

    list_display = ("agent", "status", "as_of", "started_at", "seconds", "skips", "error")
    list_filter = ("agent", "status", "is_dry_run")
    search_fields = ("agent", "error")
    date_hierarchy = "started_at"
    exclude = ("done", "skipped")
    readonly_fields = ("done_block", "skipped_block")

    @admin.display(description="seconds")
    def seconds(self, run: JobRun) -> str:
        """Return how long it took."""
        return "" if run.duration_seconds is None else f"{run.duration_seconds:.1f}"

    @admin.display(description="skipped")
    def skips(self, run: JobRun) -> int:
        """Return how many subjects were left out."""
        return len(run.skipped)

    @admin.display(description="done")
    def done_block(self, run: JobRun) -> SafeString:
        """Return what was done."""
        return json_block(run.done)

    @admin.display(description="skipped")
    def skipped_block(self, run: JobRun) -> SafeString:
        """Return what was left out and why."""
        return json_block(run.skipped)


@admin.register(AgentLease)
class AgentLeaseAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Which agents are at work now."""

    list_display = ("agent", "holder", "expires_at")
    search_fields = ("agent",)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Who changed what and why."""

    list_display = ("at", "actor", "action", "subject", "reason")
    list_filter = ("action",)
    search_fields = ("actor", "action", "subject", "reason")
    date_hierarchy = "at"
    exclude = ("before", "after")
    readonly_fields = ("before_block", "after_block")

    @admin.display(description="before")
    def before_block(self, event: AuditEvent) -> SafeString:
        """Return the values before."""
        return json_block(event.before)

    @admin.display(description="after")
    def after_block(self, event: AuditEvent) -> SafeString:
        """Return the values after."""
        return json_block(event.after)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Warnings and worse."""

    list_display = ("at", "level", "tag", "message")
    list_filter = ("level", "tag")
    search_fields = ("message",)
    date_hierarchy = "at"
    exclude = ("context",)
    readonly_fields = ("context_block",)

    @admin.display(description="context")
    def context_block(self, entry: LogEntry) -> SafeString:
        """Return the fields of the line."""
        return json_block(entry.context)


class NotificationTargetForm(forms.ModelForm):
    """Takes the address and never shows it back."""

    url = forms.CharField(
        required=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
        help_text="An Apprise address, e.g. mailto://… or tgram://…; leave empty to keep it.",
    )

    class Meta:
        model = NotificationTarget
        fields = ("name", "url", "minimum_level", "is_active")

    def clean_url(self) -> str:
        """Ask for an address when there is none yet."""
        url: str = self.cleaned_data["url"].strip()
        if not url and not self.instance.encrypted_url:
            raise forms.ValidationError("Enter the address that messages go to.")
        if url and "://" not in url:
            raise forms.ValidationError("An address looks like service://credentials.")
        return url

    def clean(self) -> dict[str, Any]:
        """Encrypt a new address before the row is validated."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("url"):
            self.instance.set_url(cleaned["url"])
        return cleaned


@admin.register(NotificationTarget)
class NotificationTargetAdmin(admin.ModelAdmin):
    """Where messages go."""

    form = NotificationTargetForm
    list_display = ("name", "minimum_level", "is_active")
    list_filter = ("is_active", "minimum_level")
    search_fields = ("name",)

    def save_model(
        self, request: HttpRequest, obj: NotificationTarget, form: Any, change: bool
    ) -> None:
        """Save and leave a trace of who redirected messages."""
        super().save_model(request, obj, form, change)
        record_audit(
            actor=request.user.get_username(),
            action="notification_target.change" if change else "notification_target.add",
            subject=f"notification_target:{obj.pk}",
            before=None,
            after={
                "name": obj.name,
                "minimum_level": obj.minimum_level,
                "is_active": obj.is_active,
                "is_address_new": "url" in form.changed_data,
            },
            reason="Changed in the admin.",
            now=utc_now(),
        )


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Messages, delivered or waiting."""

    list_display = ("at", "level", "title", "delivered_at", "attempts", "last_error")
    list_filter = ("level", ("delivered_at", admin.EmptyFieldListFilter))
    search_fields = ("title", "body", "subject_key")
    date_hierarchy = "at"
