from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.services.ensemble_evaluation import score_walk, walk_forward
from prediction.services.ensemble_table import EnsembleColumns, read_day, read_ensemble_table

COLUMNS = EnsembleColumns(("A_*", "B"), "obs", "date", "place")
FIRST = dt.date(2024, 1, 1)


def rows(
    days: int, *, stations: int = 2, seed: int = 1, observed: dict[int, str] | None = None
) -> list[str]:
    """Return lines: an ensemble of three that runs 2 warm, one single model, some blanks."""
    chance = np.random.default_rng(seed)
    lines = ["date,place,A_1,A_2,A_3,B,obs"]
    for day in range(days):
        for place in range(stations):
            truth = 10 + 5 * chance.normal()
            a = truth + 2 + chance.normal() + 0.3 * chance.normal(size=3)
            b = "" if day % 7 == 3 else f"{truth + 1.5 * chance.normal():.3f}"
            known = (observed or {}).get(day, f"{truth + place:.3f}")
            date = (FIRST + dt.timedelta(days=day)).isoformat()
            cells = ",".join(f"{value:.3f}" for value in a)
            lines.append(f"{date},S{place},{cells},{b},{known}")
    return lines


def written(folder: Path, lines: list[str], name: str = "table.csv") -> Path:
    file = folder / name
    text = "\n".join(lines) + "\n"
    if name.endswith(".gz"):
        file.write_bytes(gzip.compress(text.encode()))
    else:
        file.write_text(text)
    return file


def ran(*arguments: str) -> dict[str, float]:
    out = io.StringIO()
    call_command("evaluate_ensemble", *arguments, "--json", stdout=out, stderr=io.StringIO())
    found: dict[str, float] = json.loads(out.getvalue().strip().splitlines()[-1])
    return found


@pytest.mark.parametrize(
    "text", ["2004-01-05", "2004-01-05 06:00:00", "2004010500", "20040105", "2004-01-05T06:00Z"]
)
def test_dates_are_read_in_their_usual_shapes(text: str) -> None:
    assert read_day(text, where="here") == dt.date(2004, 1, 5).toordinal()


@pytest.mark.parametrize("text", ["", "yesterday", "2004-13-01", "20041301"])
def test_what_is_no_date_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(InvalidDataError, match="line 7"):
        read_day(text, where="x.csv, line 7")


def test_an_ensemble_is_its_mean_and_spread_and_a_single_model_has_none(tmp_path: Path) -> None:
    lines = ["date,A_1,A_2,A_3,B,obs", "2024-01-02,1,2,6,4,NA", "2024-01-01,,3,5,,7"]
    table = read_ensemble_table(
        [written(tmp_path, lines)], EnsembleColumns(("B", "A_*"), "obs", "date")
    )
    assert table.training.sources == ("A_*", "B")
    assert table.training.days.tolist() == [FIRST.toordinal(), FIRST.toordinal() + 1]
    assert table.training.highs[1].tolist() == [3.0, 4.0]
    assert table.training.highs[0, 0] == 4.0
    assert np.isnan(table.training.highs[0, 1])
    assert table.training.sds[0, 0] == pytest.approx(2**0.5)
    assert np.isnan(table.training.sds[:, 1]).all()
    assert np.isnan(table.training.observed).tolist() == [False, True]
    assert np.isnan(table.members).tolist() == [[True, False, False, True], [False] * 4]


def test_several_files_are_one_table_whatever_their_order(tmp_path: Path) -> None:
    lines = rows(40)
    whole = written(tmp_path, lines)
    early = written(tmp_path, lines[:41], "early.csv.gz")
    late = written(tmp_path, [lines[0], *reversed(lines[41:])], "late.csv")
    one = read_ensemble_table([whole], COLUMNS)
    two = read_ensemble_table([late, early], COLUMNS)
    assert np.array_equal(one.members, two.members, equal_nan=True)
    scores = [score_walk(t, walk_forward(t, lag_days=2)) for t in (one, two)]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("lag", [1, 2, 5])
def test_nothing_is_learnt_before_it_was_known(tmp_path: Path, lag: int) -> None:
    day = 30
    later = dict.fromkeys(range(day - lag + 1, 40), "999")
    honest = read_ensemble_table([written(tmp_path, rows(40))], COLUMNS)
    planted = read_ensemble_table([written(tmp_path, rows(40, observed=later), "p.csv")], COLUMNS)
    walks = [walk_forward(table, lag_days=lag) for table in (honest, planted)]
    until = honest.training.days[walks[0].rows] <= FIRST.toordinal() + day
    assert until.sum() == 2 * (day - lag - 4 + 1)
    assert np.array_equal(walks[0].mean[until], walks[1].mean[until])
    assert np.array_equal(walks[0].sd[until], walks[1].sd[until])
    assert not np.array_equal(walks[0].mean[~until], walks[1].mean[~until])


def test_calibration_beats_a_biased_ensemble(tmp_path: Path) -> None:
    file = written(tmp_path, rows(120), "table.csv.gz")
    found = ran(
        str(file),
        *("--members", "A_*,B", "--observed", "obs", "--date", "date", "--station", "place"),
        *("--lag", "2", "--report-from", "2024-02-01"),
    )
    assert list(found) == [
        "n",
        "crps_raw",
        "crps_emos",
        "mae",
        "pit_reliability",
        "pit_reliability_expected",
        "coverage_50",
        "coverage_80",
        "coverage_90",
        "seconds",
    ]
    assert found["n"] == 2 * (120 - 31)
    assert found["crps_emos"] < 0.6 * found["crps_raw"]
    assert 0.7 < found["coverage_80"] < 0.9


def test_the_unit_does_not_matter(tmp_path: Path) -> None:
    lines = rows(60, stations=1)
    kelvin = [lines[0]]
    for line in lines[1:]:
        date, place, *cells = line.split(",")
        shifted = [f"{float(c) * 0.1 + 273.15:.6f}" if c else "" for c in cells]
        kelvin.append(",".join([date, place, *shifted]))
    tables = [
        read_ensemble_table([written(tmp_path, text, name)], COLUMNS)
        for text, name in ((lines, "c.csv"), (kelvin, "k.csv"))
    ]
    scores = [score_walk(table, walk_forward(table, lag_days=1)) for table in tables]
    assert scores[1].crps_emos == pytest.approx(0.1 * scores[0].crps_emos, rel=0.02)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"--members": "C"}, "No column of table.csv fits C"),
        ({"--members": ","}, "names no column"),
        ({"--observed": "truth"}, "has no column truth"),
        ({"--date": "obs"}, "is no date"),
        ({"--observed": "place"}, "is no number"),
        ({"--lag": "0"}, "one day after its forecast"),
        ({"--report-from": "2030-01-01"}, "No date of the report"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    file = written(tmp_path, rows(30))
    options = {"--members": "A_*", "--observed": "obs", "--date": "date", **changes}
    with pytest.raises(CommandError, match=sentence):
        ran(str(file), *(word for pair in options.items() for word in pair))


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataUnavailable, match="cannot be opened"):
        read_ensemble_table([tmp_path / "none.csv"], COLUMNS)
    with pytest.raises(DataUnavailable, match="no row"):
        read_ensemble_table([written(tmp_path, rows(0))], COLUMNS)
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(b"not packed")
    with pytest.raises(InvalidDataError, match="cannot be read"):
        read_ensemble_table([broken], COLUMNS)


def test_rubbish_that_looks_like_gzip_is_told_in_a_sentence(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.csv.gz"
    rubbish.write_bytes(b"\x1f\x8b\x08\x00" + b"rubbish" * 5)
    with pytest.raises(InvalidDataError, match=r"rubbish\.csv\.gz cannot be read"):
        read_ensemble_table([rubbish], COLUMNS)
