"""What the pages of all rows from outside share: they are looked at, and may be withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from boz.core.admin_mixins import ReadOnlyAdminMixin
from boz.core.clock import utc_now
from boz.core.errors import BozBaseException
from weather.admin.forms import ReasonForm
from weather.models import Said
from weather.services.corrections import withdraw, withdraw_permission

WITHDRAWN_FILTER = ("withdrawn_at", admin.EmptyFieldListFilter)


def require_user(request: HttpRequest) -> User:
    """Return the user of a request.

    Raises:
        PermissionDenied: If nobody is logged in.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class SaidAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Rows from outside."""

    list_select_related: ClassVar[Any] = ("station", "source")
    show_full_result_count = False
    # Counting every choice of every filter reads the whole table.
    show_facets = admin.ShowFacets.NEVER
    change_form_template = "admin/weather/said_change_form.html"

    class Media:
        css = {"all": ("weather/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        """Add the page that asks why a row is withdrawn."""
        return [
            path(
                "<path:object_id>/withdraw/",
                self.admin_site.admin_view(self.withdraw_view),
                name=f"weather_{self.opts.model_name}_withdraw",
            ),
            *super().get_urls(),
        ]

    @admin.display(boolean=True, description="counts")
    def counts(self, row: Said) -> bool:
        """Say whether the row has not been withdrawn."""
        return row.withdrawn_at is None

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Offer the withdrawal to those who may."""
        row = self.get_object(request, object_id)
        may_withdraw = (
            isinstance(row, Said)
            and row.withdrawn_at is None
            and request.user.has_perm(withdraw_permission(self.model))
        )
        context = {"may_withdraw": may_withdraw, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def withdraw_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what would be withdrawn, ask why, and do it."""
        if not request.user.has_perm(withdraw_permission(self.model)):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                withdraw(
                    row,
                    reason=form.cleaned_data["reason"],
                    user=require_user(request),
                    now=utc_now(),
                )
            except BozBaseException as error:
                form.refuse(error)
            else:
                self.message_user(
                    request, f"Withdrawn: {row}. It counts no more.", messages.SUCCESS
                )
                return HttpResponseRedirect(
                    reverse(f"admin:weather_{self.opts.model_name}_change", args=[row.pk])
                )
        context = {
            **self.admin_site.each_context(request),
            "title": f"Withdraw this {self.opts.verbose_name}",
            "opts": self.opts,
            "media": self.media,
            "form": form,
            "row": row,
            "facts": self.facts(row),
            "twins": self.twins(row),
        }
        return TemplateResponse(request, "admin/weather/withdraw.html", context)

    def facts(self, row: Any) -> list[tuple[str, str]]:
        """Return what a person has to see of a row before withdrawing it."""
        raise NotImplementedError

    def twins(self, row: Any) -> Sequence[Said]:
        """Return rows that say the same from elsewhere and go on counting."""
        return []
