from __future__ import annotations

import dataclasses
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from weather.domain.climate_report import parse_climate_reports

PAYLOADS = Path(__file__).parent / "payloads"
EXPECTED = json.loads((PAYLOADS / "expected_climate_reports.json").read_text())
PRODUCTS = sorted({element["file"] for element in EXPECTED})


def run(*files: str | Path) -> list[dict]:
    """Return what the command prints for files it can read."""
    out = StringIO()
    call_command("parse_climate_report", *map(str, files), "--json", stdout=out)
    return json.loads(out.getvalue())


def run_with_failures(*files: str | Path) -> tuple[list[dict], str]:
    out = StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("parse_climate_report", *map(str, files), "--json", stdout=out)
    assert failure.value.returncode == 1
    return json.loads(out.getvalue()), str(failure.value)


def expected_of(name: str) -> list[dict]:
    return [element for element in EXPECTED if element["file"] == name]


def test_enough_products_are_held_to_values_read_from_their_texts():
    assert {path.name for path in PAYLOADS.glob("CLI*")} == set(PRODUCTS)
    assert len(PRODUCTS) >= 30


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_command_reads_each_product_as_expected(name):
    path = str(PAYLOADS / name)
    assert run(path) == [element | {"file": path} for element in expected_of(name)]


@pytest.mark.parametrize("name", [name for name in PRODUCTS if name.endswith(".txt")])
def test_the_domain_reads_each_product_as_expected(name):
    summaries = parse_climate_reports((PAYLOADS / name).read_text())
    expected = expected_of(name)
    assert len(summaries) == len(expected)
    for summary, element in zip(summaries, expected, strict=True):
        assert dataclasses.asdict(summary) | {"valid_as_of": ""} == {
            "awips_id": element["awips_id"],
            "station_name": element["station_name"],
            "climate_day": summary.climate_day.fromisoformat(element["date"]),
            "max_f": element["max_f"],
            "max_time_lst": element["max_time_lst"] or "",
            "max_is_record": element["max_record"],
            "max_is_estimated": element["max_estimated"],
            "min_f": element["min_f"],
            "min_time_lst": element["min_time_lst"] or "",
            "is_preliminary": element["is_preliminary"],
            "valid_as_of": "",
            "is_correction": element["is_correction"],
            "issued_at": summary.issued_at.fromisoformat(element["issued_at"]),
        }


def test_files_are_answered_in_their_order_with_the_path_as_given(monkeypatch):
    monkeypatch.chdir(PAYLOADS)
    names = ["CLIPHL_20260709_intermediate_5pm.txt", "./CLIANC_20170314_six_stations.txt"]
    assert [element["file"] for element in run(*names)] == [names[0]] + [names[1]] * 6


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no daily climate report"),
        (b"\xff\xfe\x00", "no daily climate report"),
        (b"<html>Service Unavailable</html>", "no daily climate report"),
        (b'{"productText": null}', "no productText"),
        (b'{"title": "Not Found"}', "no productText"),
        (b"{ broken", "like JSON"),
        (b'{"a":' * 200_000, "like JSON"),
    ],
)
def test_an_unreadable_file_has_an_error_and_the_others_are_still_printed(
    tmp_path, content, reason
):
    broken = tmp_path / "broken.txt"
    broken.write_bytes(content)
    good = PAYLOADS / "CLINYC_20260708_final.txt"
    (first, second), message = run_with_failures(broken, good)
    assert set(first) == {"file", "error"}
    assert first["file"] == str(broken)
    assert reason in first["error"]
    assert second["max_f"] == 85
    assert message == "1 of 2 could not be read."


def test_an_absent_file_and_a_directory_are_errors(tmp_path):
    elements, _ = run_with_failures(tmp_path / "absent.txt", tmp_path)
    assert [set(element) for element in elements] == [{"file", "error"}] * 2


def test_a_broken_report_does_not_hide_the_others_of_its_file(tmp_path):
    whole = (PAYLOADS / "CLINYC_20260708_final.txt").read_text()
    other = (PAYLOADS / "CLIMIA_20260708_final.txt").read_text()
    archive = tmp_path / "archive.txt"
    archive.write_text(f"\001{whole}\003\001{other.replace('JULY 8', 'JULY 38')}\003\001{other}")
    (first, second, third), _ = run_with_failures(archive)
    assert (first["awips_id"], first["max_f"]) == ("CLINYC", 85)
    assert "names no day" in second["error"]
    assert (third["awips_id"], third["issued_at"]) == ("CLIMIA", "2026-07-09T08:25:00+00:00")


def test_without_json_a_table_is_printed(capsys):
    call_command("parse_climate_report", str(PAYLOADS / "CLIMIA_20260818_final_record.txt"))
    header, row = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["awips_id", "station_name", "date"]
    assert row.split() == [
        "CLIMIA", "MIAMI", "2026-08-18", "100", "14:47", "82", "06:57",
        "2026-08-19T08:22:00+00:00", "record",
    ]  # fmt: skip


def test_the_table_names_files_that_cannot_be_read(tmp_path, capsys):
    with pytest.raises(CommandError):
        call_command("parse_climate_report", str(tmp_path / "absent.txt"))
    assert "absent.txt: " in capsys.readouterr().out


def test_help_teaches_every_field():
    from weather.management.commands.parse_climate_report import Command

    text = Command().create_parser("manage.py", "parse_climate_report").format_help()
    assert all(field in text for field in EXPECTED[0])
