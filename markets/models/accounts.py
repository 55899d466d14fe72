"""Accounts at the exchange."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from boz.core.encryption import Secret, decrypt_api_key
from boz.core.errors import OperatorActionRequired


class ExchangeAccount(models.Model):
    """One account at the exchange and the keys that open it, stored encrypted.

    There is one per environment: an order is looked for where it was sent, and a proof that it is
    absent from one account says nothing about another. While a key is replaced, the one before it
    is kept and still accepted.
    """

    class Environment(models.TextChoices):
        """Where the keys are valid; they are never shared between the two."""

        DEMO = "demo", "exchange's demo"
        LIVE = "live", "live"

    uuid = models.UUIDField(unique=True, help_text="Binds the ciphertext to this row.")
    name = models.CharField(max_length=80, unique=True, help_text="Name for people.")
    environment = models.CharField(
        max_length=4,
        choices=Environment.choices,
        unique=True,
        help_text="Where the keys are valid; the venue that trades with this account.",
    )
    key_id = models.CharField(max_length=64, help_text="The exchange's id of the key.")
    encrypted_private_key = models.TextField(help_text="Ciphertext; never shown.")
    previous_key_id = models.CharField(
        max_length=64, blank=True, help_text="The key before, accepted until it is removed."
    )
    encrypted_previous_key = models.TextField(blank=True, help_text="Ciphertext; never shown.")
    scopes = models.JSONField(
        default=list, blank=True, help_text="What the key may do, as the exchange says."
    )
    exchange_user_id = models.CharField(
        max_length=64,
        blank=True,
        help_text="Whose orders the exchange shows; a key of somebody else is refused.",
    )
    is_active = models.BooleanField(default=True, help_text="Whether it may be used.")
    halted_reason = models.TextField(
        blank=True, help_text="Why nothing is sent any more; a new key or an operator ends it."
    )
    created_at = models.DateTimeField(help_text="When it was stored.")
    last_used_at = models.DateTimeField(
        null=True, blank=True, help_text="When a key was last used, to the minute."
    )

    class Meta:
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(
                name="markets_account_previous_key_is_whole",
                condition=Q(previous_key_id="", encrypted_previous_key="")
                | (~Q(previous_key_id="") & ~Q(encrypted_previous_key="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.environment})"

    @property
    def bound_to(self) -> str:
        """Return what the encrypted keys are bound to."""
        return str(self.uuid)

    def open_keys(self) -> list[tuple[str, Secret]]:
        """Return id and private key, the present one first and the one before it after.

        Raises:
            OperatorActionRequired: If the account is switched off or halted, or a stored key
                cannot be opened with the configured encryption keys.
        """
        if not self.is_active:
            raise OperatorActionRequired(f"The exchange account {self.name} is switched off.")
        if self.halted_reason:
            raise OperatorActionRequired(
                f"The exchange account {self.name} is halted: {self.halted_reason}"
            )
        stored = [(self.key_id, self.encrypted_private_key)]
        if self.previous_key_id:
            stored.append((self.previous_key_id, self.encrypted_previous_key))
        return [
            (key_id, Secret(decrypt_api_key(token, bound_to=self.bound_to)))
            for key_id, token in stored
        ]
