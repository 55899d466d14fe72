"""Forms of the admin: reasons for actions, and keys that are written but never shown."""

from __future__ import annotations

import uuid
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django import forms
from django.contrib.admin.helpers import ActionForm

from boz.core.encryption import encrypt_api_key
from markets.models import ExchangeAccount

_PEM_ROWS = 8


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
        widget=SecretTextarea(attrs={"rows": _PEM_ROWS, "autocomplete": "off"}),
        help_text="PEM text of an RSA or Ed25519 key. Stored encrypted and never shown again; "
        "leave blank to keep the stored one.",
    )

    class Meta:
        model = ExchangeAccount
        fields = ("name", "environment", "key_id", "is_active")

    def clean_private_key(self) -> str:
        """Check that it is a key which can sign, before it is stored."""
        text: str = self.cleaned_data["private_key"]
        if not text.strip():
            if not self.instance.encrypted_private_key:
                raise forms.ValidationError("A new account needs its private key.")
            return ""
        try:
            key = load_pem_private_key(text.strip().encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # The parser's own words could quote the key.
            raise forms.ValidationError("This is no unencrypted private key in PEM.") from None
        if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
            raise forms.ValidationError("The exchange accepts RSA and Ed25519 keys only.")
        return text.strip()

    def save(self, commit: bool = True) -> ExchangeAccount:
        """Encrypt a new key, bound to its row."""
        account = self.instance
        if account.uuid is None:
            account.uuid = uuid.uuid4()
        text = self.cleaned_data.pop("private_key", "")
        if text:
            account.encrypted_private_key = encrypt_api_key(text, bound_to=str(account.uuid))
        saved: ExchangeAccount = super().save(commit)
        return saved
