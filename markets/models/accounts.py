"""Accounts at the exchange."""

from __future__ import annotations

from django.db import models


class ExchangeAccount(models.Model):
    """Credentials of one exchange account; the private key is stored encrypted."""

    class Environment(models.TextChoices):
        """Where the key is valid; keys are never shared between the two."""

        DEMO = "demo", "exchange's demo"
        LIVE = "live", "live"

    uuid = models.UUIDField(unique=True, help_text="Binds the ciphertext to this row.")
    name = models.CharField(max_length=80, unique=True, help_text="Name for people.")
    environment = models.CharField(
        max_length=4, choices=Environment.choices, help_text="Where the key is valid."
    )
    key_id = models.CharField(max_length=64, help_text="The exchange's id of the key.")
    encrypted_private_key = models.TextField(help_text="Ciphertext; never shown.")
    is_active = models.BooleanField(default=True, help_text="Whether it may be used.")
    created_at = models.DateTimeField(help_text="When it was stored.")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return f"{self.name} ({self.environment})"
