"""How good beliefs and sources were: small documents, counted anew at each request."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers as rest
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from boz.core.api.serializers import ErrorSerializer
from boz.core.clock import utc_now
from prediction import selectors
from prediction.api import accuracy_serializers as shapes
from prediction.domain.horizons import Horizon
from prediction.selectors import AccuracyScope
from prediction.selectors.accuracy import DEFAULT_HORIZON
from prediction.services.champions import champion_at

_REFUSED = OpenApiResponse(ErrorSerializer, description="The question makes no sense.")


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked."""

    scope: AccuracyScope
    horizon: Horizon | None
    engine: str | None


def _question(request: Request, query: type[rest.Serializer]) -> _Question:
    asked = query(data=request.query_params)
    asked.is_valid(raise_exception=True)
    told = asked.validated_data
    horizon = told.get("horizon")
    return _Question(
        scope=selectors.accuracy_scope(
            as_of=utc_now(), window_days=told["days"], station=told.get("station")
        ),
        horizon=None if horizon is None else Horizon(horizon),
        engine=told.get("engine"),
    )


def _one(asked: _Question) -> dict[str, Any]:
    """Return the one horizon and engine to look at: the champion's where none is named."""
    return {
        "horizon": asked.horizon or DEFAULT_HORIZON,
        "engine": asked.engine or champion_at(asked.scope.as_of),
    }


def _answer(shape: type[rest.Serializer], question: _Question, **content: object) -> Response:
    scope = question.scope
    document = {
        "as_of": scope.as_of,
        "since": scope.since,
        "last_day": scope.last_day,
        "station": None if scope.station is None else scope.station.code,
        "horizon": question.horizon,
        "engine": question.engine,
        **content,
    }
    return Response(shape(document).data)


class AccuracyView(APIView):
    """The base of these documents, for any user who is logged in."""

    permission_classes = (IsAuthenticated,)


class EngineAccuracyView(AccuracyView):
    """Scores of the engines."""

    @extend_schema(
        parameters=[shapes.EnginesQuerySerializer],
        responses={200: shapes.EngineAccuracyListSerializer, 400: _REFUSED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return how good each engine's beliefs were, beside market and climatology."""
        asked = _question(request, shapes.EnginesQuerySerializer)
        found = selectors.engine_accuracy(asked.scope, horizon=asked.horizon, engine=asked.engine)
        return _answer(shapes.EngineAccuracyListSerializer, asked, results=found)


class SourceAccuracyView(AccuracyView):
    """Errors of the forecast sources."""

    @extend_schema(
        parameters=[shapes.EachHorizonQuerySerializer],
        responses={200: shapes.SourceAccuracyListSerializer, 400: _REFUSED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return how far each source was from the official highs, as it stood at fixed leads."""
        asked = _question(request, shapes.EachHorizonQuerySerializer)
        horizons = tuple(Horizon) if asked.horizon is None else (asked.horizon,)
        found = selectors.source_accuracy(asked.scope, horizons=horizons)
        return _answer(shapes.SourceAccuracyListSerializer, asked, results=found)


class ReliabilityView(AccuracyView):
    """Reliability diagram of one engine."""

    @extend_schema(
        parameters=[shapes.OneEngineQuerySerializer],
        responses={200: shapes.ReliabilitySerializer, 400: _REFUSED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return whether brackets came true as often as their probabilities said."""
        asked = _question(request, shapes.OneEngineQuerySerializer)
        found = selectors.reliability(asked.scope, **_one(asked))
        return _answer(shapes.ReliabilitySerializer, asked, **asdict(found))


class GradesView(AccuracyView):
    """What the grades of confidence were worth."""

    @extend_schema(
        parameters=[shapes.OneHorizonQuerySerializer],
        responses={200: shapes.GradesSerializer, 400: _REFUSED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return whether predictions of a higher grade of confidence paid more often."""
        asked = _question(request, shapes.OneHorizonQuerySerializer)
        found = selectors.grade_accuracy(asked.scope, horizon=asked.horizon or DEFAULT_HORIZON)
        return _answer(shapes.GradesSerializer, asked, **asdict(found))


class PitView(AccuracyView):
    """PIT histogram of one engine."""

    @extend_schema(
        parameters=[shapes.OneEngineQuerySerializer],
        responses={200: shapes.PitSerializer, 400: _REFUSED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return whether observed highs fell evenly over the believed distributions."""
        asked = _question(request, shapes.OneEngineQuerySerializer)
        found = selectors.pit_histogram(asked.scope, **_one(asked))
        return _answer(shapes.PitSerializer, asked, **asdict(found))


class WeightsView(AccuracyView):
    """Weights of the combined engines."""

    @extend_schema(
        parameters=[shapes.OneHorizonQuerySerializer],
        responses={200: shapes.EngineWeightsListSerializer, 400: _REFUSED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return how the weights of the combined engines moved."""
        asked = _question(request, shapes.OneHorizonQuerySerializer)
        found = selectors.engine_weights(asked.scope, horizon=asked.horizon or DEFAULT_HORIZON)
        return _answer(shapes.EngineWeightsListSerializer, asked, results=found)


class AdvantageView(AccuracyView):
    """Lead of one engine over the market."""

    @extend_schema(
        parameters=[shapes.OneEngineQuerySerializer],
        responses={200: shapes.AdvantageSerializer, 400: _REFUSED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return how the lead over the market grew or shrank as days were settled."""
        asked = _question(request, shapes.OneEngineQuerySerializer)
        one = _one(asked)
        found = selectors.market_advantage(asked.scope, **one)
        return _answer(shapes.AdvantageSerializer, asked, results=found, **one)
