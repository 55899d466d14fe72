"""Take in the daily climate reports; every issuance is kept and none overwrites another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from django.db.models import Q

from boz.core.errors import BozBaseException, InvalidDataError
from boz.core.http import Captured
from weather.clients.nws import NwsClient, Product, ProductRef
from weather.domain.climate_report import ClimateSummary, parse_climate_reports, same_station
from weather.models import ClimateReport, ForecastSource, Refusal, Station
from weather.services.intake import Captures, Intake, Task
from weather.services.payloads import store_with_payload
from weather.services.repeated_refusals import RepeatedRefusals
from weather.sources import NWS_CLI

#: Unknown issuances fetched per run, shared by the stations; a first run of many stations catches
#: up over the next ones instead of outlasting its time limit.
NEW_PER_RUN = 72
NEW_PER_STATION = 3
#: A list holds about 28 issuances.
LISTED_AT_MOST = 200
#: A refused issuance is fetched anew this often for so long: the fault may have been a passing one,
#: here (a clock that was off) or there, and a final report must not be lost to it.
TRIED_AGAIN_EVERY = dt.timedelta(hours=1)
TRIED_AGAIN_FOR = dt.timedelta(days=1)
CLOCK_TOLERANCE = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class FetchedProduct:
    """One issuance as it was listed, with its text or the reason why there is none."""

    reference: ProductRef
    product: Product | None
    error: BozBaseException | None
    captured: Captured | None


@dataclass(frozen=True, slots=True)
class Issuances:
    """The unknown issuances of one site, and how many were left for the next run.

    Args:
        problems: A sentence per entry of the list that cannot be read.
    """

    fetched: tuple[FetchedProduct, ...]
    left: int
    problems: tuple[str, ...]


class ClimateReports(Intake[Issuances]):
    """The list of each station's climate reports, and the texts not known yet, newest first."""

    source_code = NWS_CLI

    def __init__(self, *, now: dt.datetime, client: NwsClient | None = None) -> None:
        """Prepare; ``client`` replaces the ordinary one."""
        super().__init__(now=now)
        self._client = client or NwsClient.from_settings(capture=self.captures)
        self._refusals = RepeatedRefusals(self.run)
        self._stored = self._left = 0

    def tasks(self, stack: ExitStack) -> Sequence[Task[Issuances]]:
        """Plan one list per active station."""
        client = stack.enter_context(self._client)
        limit = max(NEW_PER_STATION, NEW_PER_RUN // max(1, len(self.stations)))
        return [
            Task(
                code,
                partial(
                    _fetch,
                    station.cli_id,
                    known=self._known(station),
                    limit=limit,
                    client=client,
                    captures=self.captures,
                ),
                (code,),
            )
            for code, station in self.stations.items()
        ]

    def _known(self, station: Station) -> frozenset[str]:
        """Return the issuances not to be fetched (again) now, those that lists may still hold."""
        taken = ClimateReport.objects.filter(station=station, source=self.source)
        refused = Refusal.objects.filter(
            Q(last_seen_at__gt=self.now - TRIED_AGAIN_EVERY)
            | Q(first_seen_at__lte=self.now - TRIED_AGAIN_FOR),
            station=station,
            source=self.source,
        )
        prefix = f"{station.code} "
        return frozenset(
            [
                *taken.order_by("-issued_at").values_list("product_id", flat=True)[:LISTED_AT_MOST],
                *(
                    subject.removeprefix(prefix)
                    for subject in refused.values_list("subject", flat=True)[:LISTED_AT_MOST]
                ),
            ]
        )

    def store(self, task: Task[Issuances], answer: Issuances, captured: Sequence[Captured]) -> int:
        """Write each issuance by itself; one that cannot be read does not hold up the others."""
        station = self.stations[task.subject]
        self._left += answer.left
        for reason in answer.problems:
            self._refusals.leave_out(
                f"{station.code} list of reports",
                InvalidDataError(reason),
                captured=captured[:1],
                station=station,
            )
        stored = sum(self._take(item, station=station) for item in answer.fetched)
        self._stored += stored
        return stored

    def _take(self, item: FetchedProduct, *, station: Station) -> int:
        """Read and store one issuance; return how many rows are new."""
        try:
            if item.error is not None or item.product is None:
                raise item.error or InvalidDataError("No product came.", {})
            rows = _rows(
                item.product, item.reference, station=station, source=self.source, now=self.now
            )
        except BozBaseException as error:
            self.run.leave_out(
                f"{station.code} {item.reference.product_id}",
                error,
                station=station,
                captured=() if item.captured is None else (item.captured,),
            )
            return 0
        for row in rows:
            self.run.note_issue(row.issued_at)
            self.run.count_values(seen=1, missing=row.max_f is None)
        store_with_payload(rows, item.captured)
        return len(rows)

    def done(self) -> dict[str, int]:
        """Return new rows, and what the next run will have to fetch."""
        done = {"climate_reports": self._stored}
        return {**done, "left_for_next_run": self._left} if self._left else done


def _fetch(
    site: str, *, known: Collection[str], limit: int, client: NwsClient, captures: Captures
) -> Issuances:
    """List a site's issuances and fetch the unknown ones, in a worker."""
    listed = client.climate_reports(site=site)
    unknown = [item for item in listed.references if item.product_id not in known]
    fetched = []
    for reference in unknown[:limit]:
        try:
            product = client.product(product_id=reference.product_id)
        except BozBaseException as error:
            fetched.append(FetchedProduct(reference, None, error, None))
        else:
            fetched.append(FetchedProduct(reference, product, None, captures.latest))
    return Issuances(tuple(fetched), left=len(unknown[limit:]), problems=listed.problems)


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
