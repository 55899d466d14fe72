"""Raw answers of the outside."""

from __future__ import annotations

from django.db import models


class Payload(models.Model):
    """A raw answer, kept once however often it was given."""

    sha256 = models.CharField(max_length=64, unique=True, help_text="Hash of the body.")
    source = models.CharField(max_length=40, help_text="Who answered.")
    url = models.TextField(help_text="What was asked, without secrets.")
    content_type = models.CharField(max_length=120, blank=True, help_text="As declared.")
    body = models.BinaryField(help_text="The body, zlib-compressed.")
    received_at = models.DateTimeField(help_text="When it was first seen.")

    class Meta:
        ordering = ("-received_at",)

    def __str__(self) -> str:
        return f"{self.source} {self.sha256[:12]}"
