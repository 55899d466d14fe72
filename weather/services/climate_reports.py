"""Take in the daily climate reports; every issuance is kept and none overwrites another."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from boz.core.agents import AgentResult, heartbeat
from boz.core.errors import BozBaseException, InvalidDataError
from boz.core.logging import get_logger
from weather.clients.nws import NwsClient, Product, ProductRef
from weather.domain.climate_report import ClimateSummary, parse_climate_reports, same_station
from weather.models import ClimateReport, ForecastSource, Station
from weather.services.health import SourceRun, get_source
from weather.services.payloads import store_payload
from weather.stations import NWS_CLI

log = get_logger("WEATHER")

#: Unknown issuances fetched per run, shared by the stations; a first run of many stations catches
#: up over the next ones instead of outlasting its time limit.
NEW_PER_RUN = 120
NEW_PER_STATION = 4
CLOCK_TOLERANCE = dt.timedelta(minutes=10)


def ingest_climate_reports(*, now: dt.datetime, client: NwsClient | None = None) -> AgentResult:
    """Fetch and store the unknown issuances of every active station, newest first.

    Args:
        now: The moment of the fetch; new rows are available from then on.
        client: Replaces the ordinary client, which is built from the settings.
    """
    source = get_source(NWS_CLI)
    run = SourceRun(source, now=now)
    if not source.is_active:
        run.skip(source.code, f"{source.name} is switched off.")
        return AgentResult(done={"climate_reports": 0}, skipped=run.skipped)
    stored = left = 0
    with client or NwsClient.from_settings(capture=run.box) as nws:
        stations = list(Station.objects.filter(is_active=True))
        limit = max(NEW_PER_STATION, NEW_PER_RUN // max(1, len(stations)))
        for station in stations:
            heartbeat()
            if run.is_given_up:
                run.leave_out_unasked(station.code)
                continue
            run.box.clear()
            try:
                references = nws.climate_reports(site=station.cli_id)
            except BozBaseException as error:
                run.leave_out(station.code, error)
                continue
            run.answered()
            unknown = _unknown(references, station=station, source=source)
            left += len(unknown[limit:])
            for reference in unknown[:limit]:
                stored += _take(reference, station=station, client=nws, run=run)
                if run.is_given_up:
                    break
    run.finish()
    done = {"climate_reports": stored}
    return AgentResult(
        done={**done, "left_for_next_run": left} if left else done, skipped=run.skipped
    )


def _unknown(
    references: list[ProductRef], *, station: Station, source: ForecastSource
) -> list[ProductRef]:
    known = set(
        ClimateReport.objects.filter(
            station=station, source=source, product_id__in=[item.product_id for item in references]
        ).values_list("product_id", flat=True)
    )
    return [item for item in references if item.product_id not in known]


def _take(reference: ProductRef, *, station: Station, client: NwsClient, run: SourceRun) -> int:
    """Fetch, read and store one issuance; return how many rows are new."""
    subject = f"{station.code} {reference.product_id}"
    run.box.clear()
    try:
        product = client.product(product_id=reference.product_id)
        rows = _rows(product, reference, station=station, source=run.source, now=run.now)
    except BozBaseException as error:
        run.leave_out(subject, error)
        return 0
    run.answered()
    with transaction.atomic():
        payload = store_payload(run.box.latest)
        for row in rows:
            row.payload = payload
        ClimateReport.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _rows(
    product: Product,
    reference: ProductRef,
    *,
    station: Station,
    source: ForecastSource,
    now: dt.datetime,
) -> list[ClimateReport]:
    if product.product_id != reference.product_id:
        raise InvalidDataError(
            "Another product was sent than the one asked for.",
            {"asked": reference.product_id, "sent": product.product_id},
        )
    summaries = parse_climate_reports(product.text, awips_id=f"CLI{station.cli_id}")
    own = [item for item in summaries if same_station(item.station_name, station.cli_headline)]
    if not own:
        names = ", ".join(item.station_name for item in summaries)
        raise InvalidDataError(
            f"The climate report CLI{station.cli_id} is for {names}, not for "
            f"{station.cli_headline}.",
            {"product_id": product.product_id, "station": station.code},
        )
    by_day = {item.climate_day: item for item in own}
    return [
        _row(item, product, station=station, source=source, now=now) for item in by_day.values()
    ]


def _row(
    summary: ClimateSummary,
    product: Product,
    *,
    station: Station,
    source: ForecastSource,
    now: dt.datetime,
) -> ClimateReport:
    issued_at = product.issued_at
    start, end = station.climate_day_bounds(summary.climate_day)
    if issued_at > now + CLOCK_TOLERANCE or issued_at < start:
        raise InvalidDataError(
            f"A climate report for {summary.climate_day} issued at {issued_at:%Y-%m-%d %H:%M}Z "
            "does not fit the calendar.",
            {"product_id": product.product_id, "now": now.isoformat()},
        )
    return ClimateReport(
        station=station,
        source=source,
        product_id=product.product_id,
        climate_day=summary.climate_day,
        max_f=summary.max_f,
        max_time_lst=summary.max_time_lst,
        max_is_record=summary.max_is_record,
        max_is_estimated=summary.max_is_estimated,
        min_f=summary.min_f,
        min_time_lst=summary.min_time_lst,
        # A day that is not over has no final value, whatever the report leaves unsaid.
        is_preliminary=summary.is_preliminary or issued_at < end,
        is_correction=summary.is_correction,
        issued_at=issued_at,
        available_at=max(now, issued_at),
        fetched_at=now,
    )
