"""What was believed at a moment and how good it was; nothing known later is ever visible."""

from __future__ import annotations

from prediction.selectors.accuracy import (
    AccuracyScope,
    Figure,
    accuracy_scope,
    engines_scored,
)
from prediction.selectors.accuracy_advantage import AdvantagePoint, market_advantage
from prediction.selectors.accuracy_engines import Comparison, EngineAccuracy, engine_accuracy
from prediction.selectors.accuracy_grades import GradeAccuracy, Grades, grade_accuracy
from prediction.selectors.accuracy_reliability import (
    PitHistogram,
    Reliability,
    pit_histogram,
    reliability,
)
from prediction.selectors.accuracy_sources import SourceAccuracy, source_accuracy
from prediction.selectors.accuracy_weights import EngineWeights, engine_weights
from prediction.selectors.predictions import (
    bracket_prediction,
    ladder_prediction,
    latest_prediction,
    latest_predictions,
    pmf_of,
    pooled_pmf_of,
)
from prediction.selectors.skill import SkillSummary, skill_summary

__all__ = [
    "AccuracyScope",
    "AdvantagePoint",
    "Comparison",
    "EngineAccuracy",
    "EngineWeights",
    "Figure",
    "GradeAccuracy",
    "Grades",
    "PitHistogram",
    "Reliability",
    "SkillSummary",
    "SourceAccuracy",
    "accuracy_scope",
    "bracket_prediction",
    "engine_accuracy",
    "engine_weights",
    "engines_scored",
    "grade_accuracy",
    "ladder_prediction",
    "latest_prediction",
    "latest_predictions",
    "market_advantage",
    "pit_histogram",
    "pmf_of",
    "pooled_pmf_of",
    "reliability",
    "skill_summary",
    "source_accuracy",
]
