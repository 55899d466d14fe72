from __future__ import annotations

import pytest
from django.contrib.admin import site
from django.urls import reverse

from weather.models import (
    ClimateReport,
    Forecast,
    ForecastSource,
    Observation,
    Payload,
    Station,
)
from weather.tests.factories import (
    ClimateReportFactory,
    ForecastFactory,
    ObservationFactory,
    PayloadFactory,
    StationFactory,
)

pytestmark = pytest.mark.django_db

MODELS = (Station, ForecastSource, Forecast, Observation, ClimateReport, Payload)


@pytest.fixture
def rows():
    station = StationFactory()
    payload = PayloadFactory(text="<script>alert(1)</script>")
    forecast = ForecastFactory(station=station, variables={"temp_high_f": 55.0}, payload=payload)
    return {
        Station: station,
        ForecastSource: forecast.source,
        Forecast: forecast,
        Observation: ObservationFactory(station=station),
        ClimateReport: ClimateReportFactory(station=station),
        Payload: payload,
    }


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_a_list_a_search_and_a_page(admin_client, rows, model):
    name = f"admin:weather_{model._meta.model_name}"
    assert admin_client.get(reverse(f"{name}_changelist"), {"q": "a"}).status_code == 200
    page = admin_client.get(reverse(f"{name}_change", args=[rows[model].pk]))
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()


@pytest.mark.parametrize("model", [Forecast, Observation, ClimateReport, Payload])
def test_facts_cannot_be_changed_by_hand(admin_client, rows, model):
    row = rows[model]
    before = model.objects.filter(pk=row.pk).values().get()
    url = reverse(f"admin:weather_{model._meta.model_name}_change", args=[row.pk])
    assert admin_client.post(url, {"high_f": "99", "max_f": "99"}).status_code == 403
    assert model.objects.filter(pk=row.pk).values().get() == before
    assert not site.get_model_admin(model).has_delete_permission(None)
