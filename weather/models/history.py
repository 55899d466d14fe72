"""What has been fetched of the past, so that an interrupted backfill goes on where it stopped."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from weather.models.sources import ForecastSource
from weather.models.stations import Station


class HistoryChunk(models.Model):
    """Days of one station from one source that have been fetched and stored as a whole."""

    station = models.ForeignKey(
        Station, on_delete=models.CASCADE, related_name="history_chunks", help_text="Where."
    )
    source = models.ForeignKey(
        ForecastSource, on_delete=models.CASCADE, related_name="history_chunks", help_text="Who."
    )
    first_day = models.DateField(help_text="First climate day of the chunk.")
    last_day = models.DateField(help_text="Last climate day of the chunk, inclusive.")
    rows = models.PositiveIntegerField(help_text="Rows that were new.")
    problems = models.PositiveIntegerField(default=0, help_text="Entries that were refused.")
    finished_at = models.DateTimeField(help_text="When it was stored.")

    class Meta:
        ordering = ("station", "source", "first_day")
        constraints = [
            models.UniqueConstraint(
                fields=("station", "source", "first_day", "last_day"),
                name="weather_history_chunk_once",
            ),
            models.CheckConstraint(
                name="weather_history_chunk_is_ordered", condition=Q(first_day__lte=F("last_day"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.station.code} {self.source.code} {self.first_day} to {self.last_day}"
