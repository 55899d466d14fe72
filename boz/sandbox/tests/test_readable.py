"""The product's own readers understand every reconstructed text."""

from __future__ import annotations

from boz.sandbox.climate_report import climate_reports
from boz.sandbox.observations import raw_report
from boz.sandbox.places import BY_STATION
from boz.sandbox.recordings.loader import Recordings
from weather.domain.climate_report import parse_climate_reports
from weather.domain.metar import parse_metar


def test_every_climate_report_reads_back_as_recorded(recordings: Recordings):
    reports = climate_reports(recordings)
    assert len(reports) == 338 + 2
    for report in reports:
        (summary,) = parse_climate_reports(report.text(), awips_id=f"CLI{report.place.cli_site}")
        assert summary.climate_day == report.day
        assert summary.max_f == report.max_f
        assert summary.is_preliminary == bool(report.valid_as_of)
        assert summary.issued_at == report.issued_at
        assert summary.station_name == report.place.cli_headline


def test_every_observation_reads_back_as_recorded(recordings: Recordings):
    exact = 0
    for item in recordings.observations:
        report = parse_metar(raw_report(item), around=item.observed_at)
        assert (report.icao, report.observed_at) == (item.station, item.observed_at)
        assert item.station in BY_STATION
        degrees = item.temp_c if item.tgroup_c is None else item.tgroup_c
        assert report.temperature is not None
        assert (
            report.temperature.low_f - 0.6 <= degrees * 1.8 + 32 <= report.temperature.high_f + 0.6
        )
        if item.tgroup_c is not None:
            assert report.temperature.low_f == report.temperature.high_f
            exact += 1
        if item.max6h_c is None:
            assert report.max_6h_f is None
        else:
            assert report.max_6h_f == int(item.max6h_c * 1.8 + 32.5)
    assert exact > 800
