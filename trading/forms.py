"""Forms of the operator console: settings are checked, and a change has a reason."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from boz.core.errors import BozBaseException
from trading.domain.parameters import STRATEGY_KINDS, checked_parameters
from trading.models import Portfolio, Strategy
from trading.services.portfolios import LIMIT_FIELDS


class PortfolioForm(forms.ModelForm):
    """Limits and habits of a portfolio."""

    reason = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Needed when a limit or habit changes; kept in the audit trail.",
    )

    class Meta:
        model = Portfolio
        fields = ("name", "owner", "stations", *LIMIT_FIELDS)

    def changed_settings(self) -> list[str]:
        """Return the limits and habits that differ from before."""
        return [name for name in self.changed_data if name in LIMIT_FIELDS]

    def clean(self) -> dict[str, Any]:
        """Ask for a reason when something that decides money changes."""
        cleaned = super().clean() or {}
        if self.changed_settings() and not cleaned.get("reason", "").strip():
            self.add_error("reason", "Say why; a change of limits is kept with its reason.")
        return cleaned


class StrategyForm(forms.ModelForm):
    """A strategy whose parameters its own schema has checked."""

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in STRATEGY_KINDS])

    class Meta:
        model = Strategy
        fields = ("portfolio", "name", "kind", "parameters", "is_active")

    def clean(self) -> dict[str, Any]:
        """Check the parameters with the strategy's schema."""
        cleaned = super().clean() or {}
        try:
            checked_parameters(cleaned.get("kind", ""), cleaned.get("parameters") or {})
        except BozBaseException as error:
            raise ValidationError(error.message) from error
        return cleaned
