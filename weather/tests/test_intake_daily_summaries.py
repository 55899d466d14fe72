from __future__ import annotations

import datetime as dt
from unittest.mock import patch

import httpx
import pytest

from weather import selectors
from weather.clients.iem import IemClient
from weather.models import DailySummary, ForecastSource, Payload, Refusal, Station
from weather.services.daily_summaries import DailySummaryMessages
from weather.services.intake import take_in
from weather.tests.factories import real_station
from weather.tests.outside import World

pytestmark = pytest.mark.django_db

UTC = dt.UTC
SECOND = dt.timedelta(seconds=1)
PATH = "/cgi-bin/afos/retrieve.py"
DAY = dt.date(2026, 10, 8)
NOW = dt.datetime(2026, 10, 8, 21, tzinfo=UTC)
#: The day of New York ends at 05:00Z, whatever the clocks show.
NIGHT = dt.datetime(2026, 10, 9, 6, tzinfo=UTC)
PARTIAL = "KNYC DS 1500 08/10 731403/ 560600// 73/ 56//0014250/00/00/="
WHOLE = "KNYC DS 08/10 751553/ 560600// 75/ 56//0014250/00/00/="
Status = DailySummary.Status


@pytest.fixture
def new_york():
    Station.objects.exclude(code="NY").update(is_active=False)
    return real_station("NY")


def product(message: str, heading: str, *, pil: str = "DSMNYC") -> str:
    """Return a text as the archive sends it."""
    return f"\001\n123 \nCXUS41 KOKX {heading}\n{pil}\n{message}\n\n\003\n"


def text(*products: str) -> httpx.Response:
    return httpx.Response(200, text="".join(products), headers={"content-type": "text/plain"})


def take(world: World, *, now: dt.datetime = NOW):
    with patch.object(IemClient, "from_settings", world.iem):
        return take_in([DailySummaryMessages(now=now)])


def told(*products: str, now: dt.datetime = NOW):
    world = World()
    world.answers[PATH] = text(*products)
    return take(world, now=now)


def health() -> ForecastSource:
    return ForecastSource.objects.get(code="dsm")


def low(station, as_of, *, day=DAY):
    found = selectors.running_maximum(station=station, climate_day=day, as_of=as_of)
    return None if found is None else found.low_f


def test_a_message_of_the_running_day_is_a_lower_bound_until_its_own_time(new_york):
    assert told(product(PARTIAL, "082044")).done["daily_summaries"] == 1
    row = DailySummary.objects.get()
    assert (row.station, row.climate_day) == (new_york, DAY)
    assert (row.max_f, row.max_time_lst, row.min_f, row.min_time_lst) == (73, "14:03", 56, "06:00")
    assert row.status == Status.PARTIAL
    # 15:00 standard time is 20:00Z, though the clocks of New York show 16:00.
    assert row.valid_until == dt.datetime(2026, 10, 8, 20, tzinfo=UTC)
    assert row.issued_at == dt.datetime(2026, 10, 8, 20, 44, tzinfo=UTC)
    assert (row.available_at, row.fetched_at) == (NOW, NOW)
    assert row.raw.splitlines()[-1] == PARTIAL
    assert row.payload is not None
    assert (low(new_york, NOW - SECOND), low(new_york, NOW)) == (None, 73)
    assert health().status == ForecastSource.Status.OK


def test_every_issuance_is_kept_once_and_the_whole_day_is_final(new_york):
    texts = (product(WHOLE, "090516"), product(PARTIAL, "082044"))
    assert told(*texts, now=NIGHT).done["daily_summaries"] == 2
    assert told(*reversed(texts), *texts, now=NIGHT).done["daily_summaries"] == 0
    rows = DailySummary.objects.order_by("issued_at")
    assert [(row.status, row.max_f) for row in rows] == [(Status.PARTIAL, 73), (Status.FINAL, 75)]
    assert rows[1].valid_until is None
    assert Payload.objects.count() == 1


def test_a_correction_may_lower_the_high_from_when_it_is_known(new_york):
    told(product(WHOLE, "090516"), now=NIGHT)
    later = NIGHT + dt.timedelta(hours=2)
    corrected = WHOLE.replace("DS 08/10 75", "DS COR 08/10 74").replace("// 75", "// 74")
    assert told(product(corrected, "090731"), product(WHOLE, "090516"), now=later).done == {
        "daily_summaries": 1
    }
    assert DailySummary.objects.get(is_correction=True).max_f == 74
    assert (low(new_york, later - SECOND), low(new_york, later)) == (75, 74)


def test_a_message_from_the_future_is_seen_by_nobody_before_its_time(new_york):
    told(product(PARTIAL, "082044"))
    row = DailySummary.objects.get()
    row.pk, row.max_f = None, 99
    row.issued_at = row.available_at = NOW + dt.timedelta(hours=1)
    row.save()
    assert low(new_york, NOW + dt.timedelta(minutes=59)) == 73
    assert low(new_york, NOW + dt.timedelta(hours=1)) == 99


def test_messages_of_stations_not_asked_for_are_passed_over(new_york):
    other = PARTIAL.replace("KNYC", "KMDW")
    result = told(product(f"{other}\n{PARTIAL}", "082044"), product(other, "082044"))
    assert (result.done["daily_summaries"], result.skipped) == (1, [])
    assert DailySummary.objects.get().station == new_york


@pytest.mark.parametrize(
    ("message", "heading", "why"),
    [
        # The day is not over: a whole day cannot be told yet.
        (WHOLE, "082044", "before its end"),
        (WHOLE, "090455", "before its end"),
        (PARTIAL.replace("08/10", "07/11"), "082044", "does not fit"),
        (PARTIAL.replace("08/10", "09/10"), "082044", "does not fit"),
        (PARTIAL.replace("08/10", "10/08"), "082044", "does not fit"),
        (PARTIAL.replace("08/10", "29/02"), "082044", "does not fit"),
        (PARTIAL.replace("DS 1500", "DS 1630"), "082044", "after it was sent"),
        (PARTIAL.replace("731403", "1731403"), "082044", "cannot be true"),
        (PARTIAL.replace("731403", "-991403"), "082044", "cannot be true"),
        (PARTIAL.replace("731403", "231403"), "082044", "below its minimum"),
        (PARTIAL.replace("731403", "73140X"), "082044", "unreadable"),
        (PARTIAL.replace("731403", "731503"), "082044", "has an extreme at"),
        ("KNYC DS 1500 08/10 7314", "082044", "cut off"),
        (PARTIAL, "082144", "future"),
    ],
)
def test_a_message_that_cannot_be_is_refused_with_its_evidence(new_york, message, heading, why):
    good = PARTIAL.replace("DS 1500", "DS 1200").replace("731403", "701103")
    result = told(product(message, heading), product(good, "081716"))
    assert result.done["daily_summaries"] == 1
    (skipped,) = result.skipped
    assert why in skipped.reason
    refusal = Refusal.objects.get()
    assert (refusal.station, refusal.payload) == (new_york, Payload.objects.get())
    assert health().status == ForecastSource.Status.DEGRADED
    assert low(new_york, NOW) == 70


def test_a_refused_message_is_news_only_once(new_york):
    bad = product(PARTIAL.replace("731403", "1731403"), "082044")
    told(bad, product(PARTIAL, "082044"))
    later = told(bad, product(PARTIAL, "082044"), now=NOW + dt.timedelta(minutes=15))
    assert len(later.skipped) == 1
    assert Refusal.objects.get().times == 1
    assert health().status == ForecastSource.Status.OK


def test_a_product_without_a_message_is_refused_by_itself(new_york):
    result = told(
        "\001\n123 \nCXUS41 KOKX 082044\nDSMNYC\nTEST\n\003\n", product(PARTIAL, "082044")
    )
    assert result.done["daily_summaries"] == 1
    assert "holds no daily summary message" in result.skipped[0].reason


def test_missing_values_are_kept_as_missing_and_counted(new_york):
    gone = "KNYC DS 1500 08/10 M/ M// M/ M//M/M/00/00/="
    assert told(product(gone, "082044")).done["daily_summaries"] == 1
    row = DailySummary.objects.get()
    assert (row.max_f, row.min_f) == (None, None)
    assert low(new_york, NOW) is None
    assert health().null_share == 1.0


def test_zero_and_negative_degrees_are_values(new_york):
    cold = "KNYC DS 1500 08/10 01403/ -120600// 0/-12//0014250/00/="
    told(product(cold, "082044"))
    row = DailySummary.objects.get()
    assert (row.max_f, row.min_f) == (0, -12)
    assert low(new_york, NOW) == 0


def test_a_summary_of_31_december_read_on_1_january_is_of_the_old_year(new_york):
    message = WHOLE.replace("08/10", "31/12")
    now = dt.datetime(2027, 1, 1, 6, tzinfo=UTC)
    assert told(product(message, "010516"), now=now).done["daily_summaries"] == 1
    assert DailySummary.objects.get().climate_day == dt.date(2026, 12, 31)


def test_february_29_is_a_day_in_its_years_only(new_york):
    message = PARTIAL.replace("08/10", "29/02")
    now = dt.datetime(2028, 2, 29, 21, tzinfo=UTC)
    assert told(product(message, "292044"), now=now).done["daily_summaries"] == 1
    assert DailySummary.objects.get().climate_day == dt.date(2028, 2, 29)


@pytest.mark.parametrize(
    ("day", "heading", "is_over"),
    [
        # On both days of a clock change the day of New York ends at 05:00Z.
        (dt.date(2026, 3, 8), "090456", False),
        (dt.date(2026, 3, 8), "090501", True),
        (dt.date(2026, 11, 1), "020456", False),
        (dt.date(2026, 11, 1), "020501", True),
    ],
)
def test_a_day_of_a_clock_change_is_over_at_standard_midnight(new_york, day, heading, is_over):
    now = dt.datetime.combine(day, dt.time(6), tzinfo=UTC) + dt.timedelta(days=1)
    result = told(product(WHOLE.replace("08/10", f"{day:%d/%m}"), heading), now=now)
    assert result.done["daily_summaries"] == int(is_over)


def test_all_stations_are_asked_for_in_one_call():
    world = World()
    asked = []

    def answer(request):
        asked.append(dict(request.url.params))
        return text(product(PARTIAL, "082044"))

    world.answers[PATH] = answer
    take(world)
    (params,) = asked
    assert set(params["pil"].split(",")) == {"DSMNYC", "DSMMDW", "DSMMIA", "DSMAUS"}
    # The service counts all of them together.
    assert int(params["limit"]) == 32


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(429),
        httpx.Response(500),
        httpx.Response(503),
        httpx.Response(200, html="<html>busy</html>"),
        httpx.Response(200, text=""),
        httpx.ConnectError("refused"),
    ],
)
def test_an_answer_that_is_none_keeps_earlier_rows_and_shows_in_health(new_york, answer):
    told(product(PARTIAL, "082044"))
    world = World()
    world.answers[PATH] = answer
    assert len(take(world, now=NIGHT).skipped) == 1
    assert DailySummary.objects.count() == 1
    assert health().status == ForecastSource.Status.DEGRADED


def test_no_message_at_all_is_an_answer(new_york):
    world = World()
    world.answers[PATH] = httpx.Response(200, text="ERROR: Could not Find: DSMNYC")
    assert "has nothing" in take(world).skipped[0].reason
    assert health().last_error == ""
    assert health().status_reason == "It answers, but had nothing of what was asked."


def test_a_truncated_text_gives_only_what_is_whole(new_york):
    whole = product(PARTIAL, "082044")
    world = World()
    world.answers[PATH] = text(whole, product(PARTIAL, "081744")[:45])
    assert take(world).done["daily_summaries"] == 1
