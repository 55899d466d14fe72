"""What was believed at a moment and how good it was; nothing known later is ever visible."""

from __future__ import annotations

from prediction.selectors.predictions import (
    bracket_prediction,
    ladder_prediction,
    latest_prediction,
    latest_predictions,
    pmf_of,
)
from prediction.selectors.skill import SkillSummary, skill_summary

__all__ = [
    "SkillSummary",
    "bracket_prediction",
    "ladder_prediction",
    "latest_prediction",
    "latest_predictions",
    "pmf_of",
    "skill_summary",
]
