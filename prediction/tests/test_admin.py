from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import reverse

from boz.core.models import AuditEvent
from prediction.models import Champion
from prediction.tests.factories import (
    EngineBeliefFactory,
    EngineFitFactory,
    VerificationFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    client.force_login(get_user_model().objects.create_superuser("operator", password="secret"))
    return client


def test_a_prediction_page_shows_its_distribution_and_its_score(operator):
    row = VerificationFactory()
    EngineBeliefFactory(prediction=row.prediction)
    url = reverse("admin:prediction_prediction_change", args=[row.prediction.pk])

    shown = operator.get(url).content.decode()

    assert "55° 13.2%" in shown
    assert "climatology 55.0 ± 7.0 °F" in shown
    assert "Brier 0.600" in shown


@pytest.mark.parametrize(
    "model", ["champion", "enginebelief", "enginefit", "prediction", "verification"]
)
def test_every_list_page_opens_with_a_bounded_number_of_queries(
    operator, model, django_assert_max_num_queries
):
    EngineFitFactory()
    EngineBeliefFactory(prediction=VerificationFactory().prediction)

    with django_assert_max_num_queries(12):
        response = operator.get(reverse(f"admin:prediction_{model}_changelist"))

    assert response.status_code == 200


def test_a_fit_shows_its_parameters(operator):
    fit = EngineFitFactory()

    shown = operator.get(reverse("admin:prediction_enginefit_change", args=[fit.pk]))

    assert "models" in shown.content.decode()


def withdraw(client, fit, reason):
    return client.post(
        reverse("admin:prediction_enginefit_changelist"),
        {"action": "withdraw", "_selected_action": [fit.pk], "reason": reason},
        follow=True,
    ).content.decode()


def test_a_fit_is_withdrawn_with_a_reason(operator):
    fit = EngineFitFactory()

    assert "A reason is needed" in withdraw(operator, fit, "")
    assert "counts no more" in withdraw(operator, fit, "Learned from a typing error.")

    fit.refresh_from_db()
    assert fit.withdrawn_reason == "Learned from a typing error."
    assert AuditEvent.objects.get().actor == "operator"


def test_who_may_only_look_cannot_withdraw(client):
    viewer = get_user_model().objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_enginefit"))
    client.force_login(viewer)
    fit = EngineFitFactory()

    withdraw(client, fit, "Because.")

    fit.refresh_from_db()
    assert fit.withdrawn_at is None


def test_a_champion_is_chosen_through_the_service(operator):
    url = reverse("admin:prediction_champion_add")

    done = operator.post(url, {"engine": "emos_slow", "reason": "It did better."}, follow=True)

    assert done.status_code == 200
    chosen = Champion.objects.get()
    assert (chosen.engine, chosen.chosen_by.username) == ("emos_slow", "operator")
    assert AuditEvent.objects.get(action="champion.choose").reason == "It did better."


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"engine": "blend", "reason": "Again."}, "counts already"),
        ({"engine": "market", "reason": "It knows."}, "not one of the available choices"),
        ({"engine": "emos_slow", "reason": ""}, "This field is required"),
        ({"engine": "emos_slow", "reason": "   "}, "required"),
    ],
)
def test_what_may_not_be_champion_is_refused_on_the_page(operator, fields, words):
    shown = operator.post(reverse("admin:prediction_champion_add"), fields).content.decode()

    assert words in shown
    assert not Champion.objects.exists()
