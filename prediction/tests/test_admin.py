from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from prediction.tests.factories import EngineFitFactory, VerificationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    client.force_login(get_user_model().objects.create_superuser("operator", password="secret"))
    return client


def test_a_prediction_page_shows_its_distribution_and_its_score(operator):
    row = VerificationFactory()
    url = reverse("admin:prediction_prediction_change", args=[row.prediction.pk])

    shown = operator.get(url).content.decode()

    assert "55° 13.2%" in shown
    assert "KXHIGHNY" in shown


@pytest.mark.parametrize("model", ["enginefit", "prediction", "verification"])
def test_every_list_page_opens_with_a_bounded_number_of_queries(
    operator, model, django_assert_max_num_queries
):
    EngineFitFactory()
    VerificationFactory()

    with django_assert_max_num_queries(12):
        response = operator.get(reverse(f"admin:prediction_{model}_changelist"))

    assert response.status_code == 200


def test_a_fit_shows_its_parameters(operator):
    fit = EngineFitFactory()

    shown = operator.get(reverse("admin:prediction_enginefit_change", args=[fit.pk]))

    assert "bias_f" in shown.content.decode()
