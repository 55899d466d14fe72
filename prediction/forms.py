"""Forms of the admin: which engine's belief counts."""

from __future__ import annotations

from django import forms

from boz.core.clock import utc_now
from boz.core.errors import BozBaseException
from prediction.engines import ENGINES
from prediction.engines.base import EngineKind
from prediction.models import Champion
from prediction.services.champions import check_champion


class ChampionForm(forms.ModelForm):
    """The engine and why; what cannot count is refused with a sentence."""

    engine = forms.ChoiceField(
        choices=[
            (name, name) for name, engine in ENGINES.items() if engine.kind is EngineKind.MODEL
        ],
        help_text="Its belief counts from now on; the others go on being scored beside it.",
    )

    class Meta:
        model = Champion
        fields = ("engine", "reason")

    def clean(self) -> dict[str, object]:
        """Refuse what the service would refuse."""
        cleaned: dict[str, object] = super().clean() or {}
        if "engine" in cleaned and "reason" in cleaned:
            try:
                check_champion(
                    engine=str(cleaned["engine"]),
                    reason=str(cleaned["reason"]),
                    as_of=utc_now(),
                )
            except BozBaseException as error:
                raise forms.ValidationError(error.message) from error
        return cleaned
