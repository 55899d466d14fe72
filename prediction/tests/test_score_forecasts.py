import csv
import datetime as dt
import gzip
import io
import json
import random

import pytest
from django.core.management import CommandError, call_command

from prediction.tests.scoring_world import (
    FIRST_DAY,
    SNAPSHOTS,
    event_rows,
    history_rows,
    ladder_rows,
    report_rows,
    write_table,
)

CUT = (FIRST_DAY + dt.timedelta(days=3)).isoformat()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


class World:
    """Tables in a directory, and the command run on them."""

    def __init__(self, directory):
        self.directory = directory
        self.ladders = ladder_rows()
        self.history = history_rows()
        self.reports = report_rows()

    def score(self, *arguments, ladders=None):
        files = [
            write_table(self.directory / f"ladders{number}.csv", rows)
            for number, rows in enumerate(ladders or [self.ladders])
        ]
        history = write_table(self.directory / "highs.csv", self.history)
        reports = write_table(self.directory / "metar.csv", self.reports)
        return run(*files, "--history", history, "--observations", reports, "--json", *arguments)

    def predictions(self, *arguments, ladders=None):
        out = self.directory / "out.csv"
        self.score("--out", out, *arguments, ladders=ladders)
        return out.read_text()


def run(*arguments):
    stdout = io.StringIO()
    call_command(
        "score_forecasts", *map(str, arguments), stdout=stdout, stderr=io.StringIO(), verbosity=0
    )
    return json.loads(stdout.getvalue().splitlines()[-1])


def before(text, day):
    """Return the predictions of all days before one, and its evening's, which come first."""
    return [
        line
        for line in text.splitlines()
        if line.split(",")[1] < day or (line.split(",")[1] == day and ",eve21," in line)
    ]


def test_every_side_is_scored_on_the_same_ladders(world):
    report = world.score()
    assert report["n_events"] == 12
    assert report["n_snapshots"] == report["n_scored"] == report["overall"]["n"] == 36
    assert set(report["snapshots"]) == set(SNAPSHOTS)
    for entry in report["snapshots"].values():
        assert entry["n"] == 12
        assert set(entry["cities"]) == {"NY", "MIA"}
        for side in ("engine", "market", "blend"):
            assert {"brier", "log_loss", "rps", "intervals"} == set(entry[side])
            low, high = entry[side]["intervals"]["rps"]
            assert low <= entry[side]["rps"] <= high
        difference = entry["blend_minus_market"]["log_loss"]
        assert difference == pytest.approx(
            entry["blend"]["log_loss"] - entry["market"]["log_loss"], abs=2e-6
        )


def test_the_scores_of_the_market_are_those_of_their_definitions(world):
    rows = event_rows("NY", FIRST_DAY, "am10")
    prices = [0.1, 0.2, 0.4, 0.25, 0.05, 0.0]
    for row, price in zip(rows, prices, strict=True):
        row["mkt_p"], row["won"] = str(price), "0"
    rows[1]["won"] = "1"
    market = world.score(ladders=[rows])["overall"]["market"]
    assert market["brier"] == pytest.approx(0.01 + 0.64 + 0.16 + 0.0625 + 0.0025)
    assert market["log_loss"] == pytest.approx(1.609438)
    assert market["rps"] == pytest.approx((0.01 + 0.49 + 0.09 + 0.0025 + 0.0) / 5)
    assert market["intervals"]["rps"] is None


def test_an_impossible_outcome_costs_the_floor_of_the_log_loss(world):
    rows = event_rows("NY", FIRST_DAY, "am10")
    for row in rows:
        row["won"], row["mkt_p"] = "0", "0.2"
    rows[5]["won"], rows[5]["mkt_p"] = "1", "0"
    assert world.score(ladders=[rows])["overall"]["market"]["log_loss"] == pytest.approx(5.298317)


def test_the_blend_is_a_distribution_over_every_ladder(world):
    sums = {}
    for row in csv.DictReader(io.StringIO(world.predictions())):
        key = row["city"], row["date"], row["snapshot"]
        sums[key] = sums.get(key, 0.0) + float(row["p"])
        assert 0.0 <= float(row["p"]) <= 1.0
    assert len(sums) == 36
    assert all(total == pytest.approx(1.0, abs=1e-9) for total in sums.values())


def test_model_only_writes_the_engine_which_no_price_touches(world):
    first = world.predictions("--model-only")
    for row in world.ladders:
        row["mkt_p"] = f"{1 / 6:.6f}"
    assert world.predictions("--model-only") == first
    assert world.predictions() != first


def test_the_order_of_rows_and_files_leaves_no_trace(world):
    first = world.predictions()
    shuffler = random.Random(7)
    for table in (world.ladders, world.history, world.reports):
        shuffler.shuffle(table)
    assert world.predictions() == first
    half = len(world.ladders) // 2
    assert world.predictions(ladders=[world.ladders[half:], world.ladders[:half]]) == first
    assert world.predictions(ladders=[world.ladders, world.ladders]) == first


RESULTS = {"won": "1", "settle_high_f": "120", "mkt_p": "0.9", "ndfd_high_f": "99", "mkt_ok": "0"}


@pytest.mark.parametrize("column", RESULTS)
def test_nothing_in_a_later_row_changes_an_earlier_probability(world, column):
    first = world.predictions()
    for row in world.ladders:
        if row["date"] > CUT:
            row[column] = RESULTS[column]
    changed = world.predictions()
    assert before(changed, CUT) == before(first, CUT)
    assert len(before(first, CUT)) > 100


@pytest.mark.parametrize("column", ["won", "settle_high_f"])
def test_a_result_touches_no_probability_of_its_own_day(world, column):
    first = world.predictions()
    for row in world.ladders:
        if row["date"] == CUT:
            row[column] = RESULTS[column]
    world.history = [row for row in world.history if row["date"] != CUT]
    changed = world.predictions()
    upto = [line for line in first.splitlines() if line.split(",")[1] <= CUT]
    assert [line for line in changed.splitlines() if line.split(",")[1] <= CUT] == upto
    assert changed != first


def test_a_high_is_not_known_on_the_evening_after_it_but_the_next_morning(world):
    """Both ways: too early would be a leak, never would be learning nothing."""
    first = world.predictions("--model-only").splitlines()
    for row in world.ladders + world.history:
        if row["date"] == CUT:
            row["settle_high_f" if "won" in row else "high_f"] = "90"
    changed = world.predictions("--model-only").splitlines()
    after = (dt.date.fromisoformat(CUT) + dt.timedelta(days=1)).isoformat()
    touched = {
        tuple(new.split(",")[1:3]) for old, new in zip(first, changed, strict=True) if old != new
    }
    assert (after, "eve21") not in touched
    assert {(after, "am10"), (after, "pm14")} <= touched
    assert min(touched) == (after, "am10")


def test_later_prices_of_the_same_day_change_nothing_before_them(world):
    first = world.predictions().splitlines()
    for row in world.ladders:
        if row["date"] == CUT and row["snapshot"] == "pm14":
            row["mkt_p"] = f"{1 / 6:.5f}"
    changed = world.predictions().splitlines()
    touched = {
        tuple(new.split(",")[1:3]) for old, new in zip(first, changed, strict=True) if old != new
    }
    assert min(touched) == (CUT, "pm14")


def test_later_observations_change_nothing_and_earlier_ones_kill_what_is_passed(world):
    first = world.predictions().splitlines()
    noon = f"{CUT}T17:53:00"  # 12:53 local standard time
    for row in world.reports:
        if row["utc"] >= noon:
            row["temp_c"] = row["tgroup_c"] = "37.0"
    changed = world.predictions().splitlines()
    touched = {
        tuple(new.split(",")[:3]) for old, new in zip(first, changed, strict=True) if old != new
    }
    assert min(touched) == ("MIA", CUT, "pm14")
    dead = [line for line in changed if line.startswith(f"MIA,{CUT},pm14,")]
    assert [float(line.split(",")[-1]) for line in dead] == [0, 0, 0, 0, 0, 1]


def test_a_report_made_just_before_a_snapshot_could_not_have_been_read(world):
    first = world.predictions()
    world.reports.append(
        {
            "station": "KMIA",
            "utc": f"{CUT}T18:57:00",  # three minutes before 14:00 local standard time
            "type": "FM-16",
            "temp_c": "37.0",
            "tgroup_c": "37.0",
            "max6h_c": "",
        }
    )
    assert world.predictions() == first


def test_the_past_alone_gives_the_same_as_the_whole(world):
    first = world.predictions()
    world.ladders = [row for row in world.ladders if row["date"] <= CUT]
    world.history = [row for row in world.history if row["date"] < CUT]
    assert first.startswith(world.predictions().rstrip("\n").rsplit("\n", 1)[0])


def test_the_report_begins_at_its_date_and_learning_before_it(world):
    whole, part = world.score(), world.score("--report-from", CUT)
    assert part["n_snapshots"] == whole["n_snapshots"]
    assert part["n_scored"] == 18
    assert part["report_from"] == CUT
    late = [row for row in world.ladders if row["date"] >= CUT]
    alone = world.score(ladders=[late])
    assert alone["overall"]["market"] == part["overall"]["market"]


def test_ladders_that_are_not_ok_are_predicted_and_not_scored(world):
    for row in world.ladders:
        if row["date"] == CUT:
            row["mkt_ok"] = "0"
    report = world.score()
    assert report["n_scored"] == 30
    assert len(world.predictions().splitlines()) == 1 + 36 * 6


@pytest.mark.parametrize(("total", "is_scored"), [("0.69", 0), ("0.71", 1), ("1.41", 0)])
def test_prices_that_add_up_to_nonsense_are_not_scored(world, total, is_scored):
    rows = event_rows("NY", FIRST_DAY, "am10")
    for row in rows:
        del row["mkt_ok"]
        row["mkt_p_sum"] = total
    report = world.score(ladders=[rows])
    assert (report["n_snapshots"], report["n_scored"]) == (1, is_scored)


def test_a_ladder_with_a_gap_is_left_out_with_the_reason(world):
    world.ladders = [
        row
        for row in world.ladders
        if (row["city"], row["date"], row["bracket"]) != ("NY", CUT, "3")
    ]
    report = world.score()
    assert report["n_snapshots"] == 33
    assert report["skipped"] == 3
    assert all("gap" in reason for reason in report["skipped_reasons"])


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("lo_f", "40.5", "no whole degree"),
        ("mkt_p", "often", "holds no number"),
        ("snapshot_utc", "noon", "time cannot be read"),
        ("date", "", "is blank"),
    ],
)
def test_one_bad_row_costs_one_ladder(world, column, value, reason):
    world.ladders[8][column] = value
    report = world.score()
    assert report["n_snapshots"] == 35
    assert any(reason in text for text in report["skipped_reasons"])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("nan", "holds no number"),
        ("warm", "holds no number"),
        ("400", "cannot be true"),
    ],
)
def test_a_bad_forecast_costs_only_itself(world, value, reason):
    for row in world.ladders[:6]:
        row["ndfd_high_f"] = value
    report = world.score()
    assert report["n_snapshots"] == 36
    assert [text for text in report["skipped_reasons"] if reason in text]


def test_a_file_without_results_is_predicted_and_not_scored(world):
    rows = [
        {k: v for k, v in row.items() if k not in RESULTS or k == "mkt_p"} for row in world.ladders
    ]
    report = world.score(ladders=[rows])
    assert report["n_scored"] == 0
    assert report["overall"]["blend"]["log_loss"] is None
    assert len(world.predictions(ladders=[rows]).splitlines()) == 1 + 36 * 6


def test_quotes_without_names_are_reported_by_their_class_of_lead(world):
    rows = []
    for row in world.ladders:
        price = round(100 * float(row["mkt_p"]))
        rows.append(
            {
                "city": row["city"],
                "date": row["date"],
                "quote_utc": row["snapshot_utc"],
                "lo_f": row["lo_f"],
                "hi_f": row["hi_f"],
                "yes_bid_c": str(price - 1),
                "yes_ask_c": str(price + 1),
                "won": row["won"],
                "issued_utc": row["snapshot_utc"],
                "nws_f": row["settle_high_f"],
            }
        )
    report = world.score(ladders=[rows])
    assert set(report["snapshots"]) == {"evening", "morning", "afternoon"}
    assert report["n_scored"] == 36


def test_cities_settled_elsewhere_are_named(world):
    for row in world.ladders:
        if row["city"] == "MIA":
            row["city"], row["station"] = "ORD", "KORD"
    report = world.score()
    assert report["n_events"] == 6
    assert report["skipped_reasons"] == {"No market settles at the station of ORD.": 18}


def test_without_any_history_the_market_stands_alone_and_is_scored(world):
    world.history = world.history[:1]
    world.reports = world.reports[:1]
    ladders = [row for row in world.ladders if row["city"] == "MIA"]
    report = world.score(ladders=[ladders])
    assert report["overall"]["n"] == 18
    assert report["overall"]["n_engine"] == 0
    assert report["overall"]["engine"]["rps"] is None
    assert report["overall"]["blend"] == report["overall"]["market"]
    assert report["skipped"] == 18
    assert len(world.predictions(ladders=[ladders]).splitlines()) == 1 + 18 * 6
    assert len(world.predictions("--model-only", ladders=[ladders]).splitlines()) == 1


def test_a_quote_that_is_no_price_silences_the_market_only(world):
    rows = event_rows("NY", FIRST_DAY, "am10")
    for row in rows:
        price = round(100 * float(row.pop("mkt_p")))
        row["yes_bid_c"], row["yes_ask_c"] = str(price - 1), str(price + 1)
    rows[2]["yes_bid_c"] = "100"
    report = world.score(ladders=[rows])
    assert report["n_snapshots"] == 1
    assert report["n_scored"] == 0


def test_a_missing_column_is_named(world):
    for row in world.ladders:
        del row["mkt_p"]
    with pytest.raises(CommandError, match="mkt_p or mid or yes_bid_c"):
        world.score()


def test_the_error_is_json_too(world, tmp_path):
    stdout = io.StringIO()
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("score_forecasts", str(tmp_path / "none.csv"), "--json", stdout=stdout)
    assert json.loads(stdout.getvalue())["error"] == "InvalidDataError"


def test_no_rows_is_an_error(world, tmp_path):
    file = write_table(tmp_path / "empty.csv", world.ladders[:1])
    file.write_text(file.read_text().splitlines()[0] + "\n")
    with pytest.raises(CommandError, match="There are no rows"):
        run(file)


def test_model_only_needs_a_file_to_write(world):
    with pytest.raises(CommandError, match="give both"):
        world.score("--model-only")


def test_gzip_is_seen_by_its_bytes_and_the_table_is_for_people(world, tmp_path):
    plain = write_table(tmp_path / "plain.csv", world.ladders)
    packed = tmp_path / "packed.csv"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    stdout = io.StringIO()
    call_command("score_forecasts", str(packed), stdout=stdout, stderr=io.StringIO())
    text = stdout.getvalue()
    assert "blend_minus_market" in text
    assert "overall" in text


def test_rubbish_that_looks_like_gzip_is_told_in_a_sentence(tmp_path):
    rubbish = tmp_path / "rubbish.csv.gz"
    rubbish.write_bytes(b"\x1f\x8b\x08\x00" + b"rubbish" * 5)
    with pytest.raises(CommandError, match=r"rubbish\.csv\.gz cannot be read: "):
        run(rubbish, "--json")


def test_a_price_of_more_than_it_can_pay_leaves_its_ladder_out(world):
    world.ladders[1] |= {"mkt_p": "7", "mkt_p_sum": "1.0"}
    report = world.score()
    assert report["n_snapshots"] == 35
    assert report["skipped_reasons"] == {"The prices of a ladder are no prices.": 1}


def test_a_report_of_days_that_are_not_there_is_an_error(world):
    with pytest.raises(CommandError, match="No ladder is of 2099-01-01 or later; the last one is"):
        world.score("--report-from", "2099-01-01")


def test_a_file_that_cannot_be_written_stops_before_the_work(world):
    files = [world.directory / "ladders0.csv", world.directory / "highs.csv"]
    for out in (world.directory, world.directory / "none" / "out.csv", *files):
        with pytest.raises(CommandError, match=r"cannot be written"):
            world.score("--out", out)
    assert all(file.read_text().startswith("city") for file in files)
