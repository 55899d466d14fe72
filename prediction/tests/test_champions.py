from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import get_user_model

from boz.core.audit import verify_audit_chain
from boz.core.errors import DataUnavailable, InvalidDataError
from boz.core.models import AuditEvent
from prediction.constants import PRIMARY_ENGINE
from prediction.models import Champion
from prediction.services.champions import champion_at, choose_champion
from prediction.services.fits import latest_fits, withdraw_fit
from prediction.tests.factories import EVENING_BEFORE, EngineFitFactory
from weather.tests.factories import real_station

pytestmark = pytest.mark.django_db

NOW = EVENING_BEFORE
SECOND = dt.timedelta(seconds=1)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def anna():
    return get_user_model().objects.create_user("anna")


def choose(user, engine="emos_slow", reason="It did better.", now=NOW):
    return choose_champion(engine=engine, reason=reason, user=user, now=now)


def test_until_somebody_chooses_the_blend_counts():
    assert champion_at(NOW) == PRIMARY_ENGINE == "blend"


def test_a_choice_counts_from_its_moment_on(anna):
    chosen = choose(anna)
    choose(anna, "blend", now=NOW + HOUR)

    assert chosen.chosen_by == anna
    assert champion_at(NOW - SECOND) == "blend"
    assert champion_at(NOW) == champion_at(NOW + HOUR - SECOND) == "emos_slow"
    assert champion_at(NOW + HOUR) == "blend"


def test_a_choice_stands_in_the_audit_trail(anna):
    choose(anna, reason="  Smaller errors in spring. ")

    event = AuditEvent.objects.get()
    assert (event.actor, event.action, event.subject) == ("anna", "champion.choose", "champion")
    assert (event.before, event.after) == ({"engine": "blend"}, {"engine": "emos_slow"})
    assert event.reason == Champion.objects.get().reason == "Smaller errors in spring."
    assert verify_audit_chain() == []


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"engine": "market"}, InvalidDataError, "never traded on"),
        ({"engine": "oracle"}, DataUnavailable, "There is no engine 'oracle'. There are: blend"),
        ({"engine": "blend"}, InvalidDataError, "counts already"),
        ({"reason": "  "}, InvalidDataError, "A reason is needed"),
    ],
)
def test_what_may_not_count_is_refused_with_a_sentence(anna, fields, error, words):
    with pytest.raises(error, match=words):
        choose(anna, **fields)
    assert not Champion.objects.exists()
    assert not AuditEvent.objects.exists()


def test_no_choice_is_made_before_one_that_stands(anna):
    choose(anna)
    for now in (NOW, NOW - HOUR):
        with pytest.raises(InvalidDataError, match=r"chosen at 2024-11-20 01:00:00 UTC"):
            choose(anna, "emos_fast", now=now)


def usable(as_of=NOW):
    station = real_station("NY")
    return dict(latest_fits(stations=[station], as_of=as_of)[station.pk])


def test_the_newest_fit_of_each_engine_speaks():
    EngineFitFactory(as_of=NOW - 30 * HOUR)
    slow = EngineFitFactory(as_of=NOW - 6 * HOUR)
    fast = EngineFitFactory(engine="emos_fast", as_of=NOW - 30 * HOUR)
    EngineFitFactory(as_of=NOW + SECOND)
    EngineFitFactory(station=real_station("MIA"), as_of=NOW)

    assert usable() == {"emos_fast": fast, "emos_slow": slow}
    assert set(usable(NOW - 6 * HOUR - SECOND)) == {"emos_fast", "emos_slow"}
    assert usable(NOW - 31 * HOUR) == {}


def test_a_fit_of_another_version_of_its_engine_or_of_none_does_not_speak():
    EngineFitFactory(as_of=NOW - HOUR, engine_version=0)
    EngineFitFactory(engine="oracle", engine_version=1, as_of=NOW - HOUR)
    before = EngineFitFactory(as_of=NOW - 30 * HOUR)

    assert usable() == {"emos_slow": before}


def test_a_withdrawn_fit_gives_way_to_the_one_before_from_then_on(anna):
    before = EngineFitFactory(as_of=NOW - 30 * HOUR)
    wrong = EngineFitFactory(as_of=NOW - 6 * HOUR)

    withdrawn = withdraw_fit(wrong, reason="Learned from a typing error.", user=anna, now=NOW)

    assert withdrawn.withdrawn_reason == "Learned from a typing error."
    assert usable(NOW - SECOND) == {"emos_slow": wrong}
    assert usable(NOW) == {"emos_slow": before}
    event = AuditEvent.objects.get()
    assert event.action == "engine_fit.withdraw"
    assert event.subject == f"engine_fit:emos_slow:NY:v{wrong.version}"


def test_a_fit_is_withdrawn_once_and_with_a_reason(anna):
    fit = EngineFitFactory()
    with pytest.raises(InvalidDataError, match="A reason is needed"):
        withdraw_fit(fit, reason="", user=anna, now=NOW)
    withdraw_fit(fit, reason="Wrong.", user=anna, now=NOW)

    with pytest.raises(InvalidDataError, match="It was withdrawn at 2024-11-20 01:00 UTC"):
        withdraw_fit(fit, reason="Wrong.", user=anna, now=NOW + HOUR)
