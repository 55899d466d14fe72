"""Filters by station, climate day, portfolio and trade."""

from __future__ import annotations

from django_filters import rest_framework as filters

from settlement.models import Digest, PostMortem, Settlement


class SettlementFilter(filters.FilterSet):
    """Settlements of an event, station or days."""

    event = filters.CharFilter(field_name="event__ticker")
    station = filters.CharFilter(field_name="event__series__station__code")
    climate_day = filters.DateFilter(field_name="event__climate_day")
    climate_day_from = filters.DateFilter(field_name="event__climate_day", lookup_expr="gte")
    climate_day_to = filters.DateFilter(field_name="event__climate_day", lookup_expr="lte")

    class Meta:
        model = Settlement
        fields = ("version",)


class PostMortemFilter(filters.FilterSet):
    """Post-mortems of a portfolio, trade, station or days."""

    portfolio = filters.NumberFilter(field_name="trade__portfolio_id")
    trade = filters.NumberFilter(field_name="trade_id")
    ticker = filters.CharFilter(field_name="trade__market__ticker")
    station = filters.CharFilter(field_name="trade__event__series__station__code")
    climate_day_from = filters.DateFilter(field_name="trade__event__climate_day", lookup_expr="gte")
    climate_day_to = filters.DateFilter(field_name="trade__event__climate_day", lookup_expr="lte")

    class Meta:
        model = PostMortem
        fields = ()


class DigestFilter(filters.FilterSet):
    """Digests of a portfolio in a span of days."""

    portfolio = filters.NumberFilter(field_name="portfolio_id")
    day_from = filters.DateFilter(field_name="day", lookup_expr="gte")
    day_to = filters.DateFilter(field_name="day", lookup_expr="lte")

    class Meta:
        model = Digest
        fields = ("day",)
