"""What the admin's own pages ask for."""

from __future__ import annotations

from django import forms

from boz.core.errors import BozBaseException
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F
from weather.models import Station
from weather.services.corrections import REASON_AT_MOST


def _date_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _degrees_input() -> forms.NumberInput:
    return forms.NumberInput(
        attrs={"min": int(PLAUSIBLE_LOW_F), "max": int(PLAUSIBLE_HIGH_F), "step": 1}
    )


class DayForm(forms.Form):
    """One climate day of one station, as known at a moment."""

    station = forms.ModelChoiceField(Station.objects.all(), to_field_name="code", empty_label=None)
    day = forms.DateField(label="Climate day", widget=_date_input())
    as_of = forms.DateTimeField(
        required=False,
        label="As of (UTC)",
        help_text="Empty: now.",
        widget=forms.DateTimeInput(attrs={"placeholder": "2026-07-09 12:00"}),
    )


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        max_length=REASON_AT_MOST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="It is kept with the row and in the audit trail.",
    )

    def refuse(self, error: BozBaseException) -> None:
        """Show a service's refusal at the field it speaks of."""
        field = error.context.get("field")
        self.add_error(field if field in self.fields else None, error.message)


class CorrectionForm(ReasonForm):
    """The values of a day that stand from now on."""

    station = forms.ModelChoiceField(Station.objects.all(), to_field_name="code")
    climate_day = forms.DateField(
        widget=_date_input(), help_text="In the station's standard time; it must be over."
    )
    max_f = forms.IntegerField(label="Maximum, °F", widget=_degrees_input())
    min_f = forms.IntegerField(
        label="Minimum, °F", required=False, widget=_degrees_input(), help_text="Empty: not stated."
    )

    field_order = ("station", "climate_day", "max_f", "min_f", "reason")
