"""Forms of the admin: reasons for actions, and keys that are written but never shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.helpers import ActionForm

from boz.core.errors import OperatorActionRequired
from markets.clients.kalshi.signing import signer_from_pem
from markets.models import ExchangeAccount

_PEM_ROWS = 8
_MAX_PEM_BYTES = 20_000


class ReasonActionForm(ActionForm):
    """Asks for the reason that the audit trail keeps."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"placeholder": "Reason (kept in the audit trail)"}),
    )


class SecretTextarea(forms.Textarea):
    """A text area that never shows what was entered, also not after a mistake elsewhere."""

    def format_value(self, value: Any) -> None:
        """Show nothing."""
        return


class ExchangeAccountForm(forms.ModelForm):
    """An account; the private key can be entered or replaced, and never read back."""

    private_key = forms.CharField(
        required=False,
        strip=False,
        max_length=_MAX_PEM_BYTES,
        widget=SecretTextarea(attrs={"rows": _PEM_ROWS, "autocomplete": "off"}),
        help_text="PEM text of an RSA or Ed25519 key. Stored encrypted and never shown again; "
        "leave blank to keep the stored one. A new key must be of the same exchange account.",
    )
    private_key_file = forms.FileField(
        required=False, help_text="Or the file that the exchange gave."
    )

    class Meta:
        model = ExchangeAccount
        fields = ("name", "environment", "key_id", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Keep the environment of an account: another one is another account."""
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None and "environment" in self.fields:
            self.fields["environment"].disabled = True

    def clean_private_key_file(self) -> str:
        """Return the text of an uploaded key."""
        upload = self.cleaned_data["private_key_file"]
        if not upload:
            return ""
        if upload.size > _MAX_PEM_BYTES:
            raise forms.ValidationError("The file is too large to be a key.")
        try:
            text: str = upload.read().decode("ascii")
        except UnicodeDecodeError:
            raise forms.ValidationError("The file is no private key in PEM.") from None
        return text

    def clean(self) -> dict[str, Any]:
        """Check that there is one key, that it can sign, and that it has its id."""
        cleaned = super().clean() or self.cleaned_data
        pasted, uploaded = cleaned.get("private_key", ""), cleaned.get("private_key_file", "")
        if pasted.strip() and uploaded.strip():
            self.add_error("private_key", "Paste the key or upload it, not both.")
        text = (pasted if pasted.strip() else uploaded).strip()
        cleaned["pem"] = text
        if text and cleaned.get("key_id"):
            try:
                signer_from_pem(cleaned["key_id"], text)
            except OperatorActionRequired as error:
                self.add_error("private_key", error.message)
        elif not text and not self.errors:
            self._require_stored_key()
        return cleaned

    def _require_stored_key(self) -> None:
        if self.instance.pk is None:
            self.add_error("private_key", "A new account needs its private key.")
        elif "key_id" in self.changed_data:
            self.add_error("private_key", "Another key id needs its private key.")
