from __future__ import annotations

import datetime as dt
import json
import logging
import logging.config
import sys
from pathlib import Path

import pytest
import time_machine
from django.db import DatabaseError, transaction

from boz.core.encryption import Secret
from boz.core.logging import (
    BozFormatter,
    DailyJsonFileHandler,
    DatabaseHandler,
    JsonLineFormatter,
    RedactionFilter,
    get_logger,
    logging_config,
    request_id,
)
from boz.core.models import LogEntry
from boz.core.tests.factories import NOW

CANARY = "c4n4ry5ecret"


class Keeper(logging.Handler):
    """Keeps formatted lines."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(formatter)
        self.addFilter(RedactionFilter())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def boz_level():
    logger = logging.getLogger("boz")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.setLevel(before)


@pytest.fixture
def lines(boz_level):
    handler = Keeper(BozFormatter())
    boz_level.addHandler(handler)
    yield handler.lines
    boz_level.removeHandler(handler)


@pytest.fixture
def json_lines(boz_level):
    handler = Keeper(JsonLineFormatter())
    boz_level.addHandler(handler)
    yield handler.lines
    boz_level.removeHandler(handler)


@time_machine.travel(NOW, tick=False)
def test_a_line_looks_exactly_as_documented(lines: list[str]) -> None:
    get_logger("WEATHER").info("Fetched NWS forecast", city="NYC", high_f=55)

    assert lines == [
        "[2026-02-17 10:00:01] INFO     WEATHER      "
        'Fetched NWS forecast  {"city":"NYC","high_f":55}'
    ]


@time_machine.travel(NOW, tick=False)
def test_a_line_without_fields_ends_with_its_message(lines: list[str]) -> None:
    get_logger("POSTMORTEM").warning("No report yet")

    assert lines == ["[2026-02-17 10:00:01] WARNING  POSTMORTEM   No report yet"]


def test_an_unknown_tag_is_refused() -> None:
    with pytest.raises(ValueError, match=r"WEATHER, MARKET.*'WETHER'"):
        get_logger("WETHER")


def test_fields_may_have_any_name_and_percent_signs_are_text(lines: list[str]) -> None:
    get_logger("RISK").info("100% of the limit", message="m", level=1, self="s")

    assert lines[0].endswith('100% of the limit  {"message":"m","level":1,"self":"s"}')


def test_a_message_cannot_forge_another_line(lines: list[str]) -> None:
    get_logger("AUTH").info("Login by eve\n[2026-02-17 10:00:02] INFO     AUTH  Login by adam")

    assert len(lines[0].splitlines()) == 1


def test_no_secret_reaches_a_line_a_row_or_a_repr(
    db: None, lines: list[str], json_lines: list[str]
) -> None:
    secret = Secret(CANARY)
    log = get_logger("AUTH")
    log.warning(
        f"Refused password={CANARY} for {secret}",
        token=CANARY,
        nested={"headers": [{"KALSHI-ACCESS-SIGNATURE": CANARY}]},
        wrapped=secret,
        url=f"https://u:{CANARY}@host/",
    )
    try:
        raise ValueError(f"Bearer {CANARY} is wrong")
    except ValueError:
        log.exception("Failed")
    logging.getLogger("boz.third_party").warning("api_key=%s", CANARY)

    rows = [f"{row.message} {json.dumps(row.context)}" for row in LogEntry.objects.all()]
    assert len(lines) == len(json_lines) == len(rows) == 3
    assert CANARY not in "\n".join([*lines, *json_lines, *rows, repr(secret), repr(log)])


def test_a_traceback_follows_its_line(lines: list[str]) -> None:
    try:
        raise ValueError("what went wrong")
    except ValueError:
        get_logger("SYSTEM").exception("Failed", step=3)

    first, *rest = lines[0].splitlines()
    assert first.endswith('Failed  {"step":3}')
    assert rest[-1] == "ValueError: what went wrong"


@time_machine.travel(NOW, tick=False)
def test_a_json_line_holds_everything(json_lines: list[str]) -> None:
    token = request_id.set("request-1")
    get_logger("MARKET").error("Crossed book", ticker="T")
    request_id.reset(token)

    assert json.loads(json_lines[0]) == {
        "at": "2026-02-17T10:00:01.000Z",
        "level": "ERROR",
        "tag": "MARKET",
        "logger": "boz.market",
        "message": "Crossed book",
        "fields": {"ticker": "T"},
        "request_id": "request-1",
    }


@time_machine.travel(NOW, tick=False)
def test_warnings_and_worse_become_rows(db: None) -> None:
    log = get_logger("MARKET")
    log.info("Not kept")
    log.warning("Kept", city="NYC")

    row = LogEntry.objects.get()
    assert (row.at, row.level, row.tag, row.message) == (NOW, "WARNING", "MARKET", "Kept")
    assert row.context == {"city": "NYC"}


@pytest.mark.django_db(transaction=True)
def test_a_broken_transaction_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        transaction.set_rollback(True)
        get_logger("SYSTEM").error("Inside of it")
        raise ZeroDivisionError

    assert LogEntry.objects.count() == 0
    assert "A log row could not be kept" in capsys.readouterr().err


def test_a_row_that_cannot_be_written_is_told_on_stderr_and_breaks_nothing(
    db: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**kwargs: object) -> None:
        get_logger("SYSTEM").error("A log line while logging")
        raise DatabaseError("disk full")

    monkeypatch.setattr(LogEntry.objects, "create", fail)
    handler = DatabaseHandler()

    handler.handle(logging.LogRecord("boz", logging.ERROR, __file__, 1, "Lost", (), None))

    assert "A log row could not be kept (DatabaseError): ERROR SYSTEM Lost" in (
        capsys.readouterr().err
    )
    monkeypatch.undo()
    assert LogEntry.objects.count() <= 1  # the line while logging, by the root's own handler


def test_a_missing_table_is_no_fault(
    db: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(LogEntry._meta, "db_table", "core_not_migrated_yet")
    monkeypatch.setattr(
        LogEntry.objects, "create", lambda **kwargs: (_ for _ in ()).throw(DatabaseError("none"))
    )

    DatabaseHandler().handle(logging.LogRecord("boz", logging.ERROR, "", 1, "Early", (), None))

    assert "could not be kept" not in capsys.readouterr().err


def test_the_configuration_is_one_that_logging_accepts(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "boz.jsonl"
    config = logging_config(level="INFO", json_file=str(file))
    assert "json" not in logging_config(level="INFO", json_file=None)["handlers"]
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        logging.config.dictConfig(config)
        get_logger("SYSTEM").info("Into the file", n=1)
        logging.getLogger("django.request").warning("Not Found: /x")
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:], root.level = before

    entries = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [entry["message"] for entry in entries] == ["Into the file"]


def test_the_file_turns_over_once_a_day_whichever_process_is_first(tmp_path: Path) -> None:
    file = tmp_path / "boz.jsonl"
    with time_machine.travel(NOW, tick=False) as clock:
        web, worker = (DailyJsonFileHandler(str(file)) for _ in range(2))
        _emit(web, "web, day one")
        _emit(worker, "worker, day one")
        clock.move_to(NOW + dt.timedelta(days=1))
        _emit(web, "web, day two")
        _emit(worker, "worker, day two")
        web.close()
        worker.close()

    assert web.backupCount == 30
    assert (tmp_path / "boz.jsonl.2026-02-17").read_text().splitlines() == [
        "web, day one",
        "worker, day one",
    ]
    assert file.read_text().splitlines() == ["web, day two", "worker, day two"]


def _emit(handler: logging.Handler, message: str) -> None:
    record = logging.LogRecord("boz", logging.INFO, "", 1, message, (), None)
    handler.handle(record)


def test_a_wrong_placeholder_does_not_lose_the_line() -> None:
    record = logging.LogRecord("boz", logging.INFO, "", 1, "%d apples", ("two",), None)

    RedactionFilter().filter(record)

    assert BozFormatter().format(record).endswith("%d apples")
    assert sys.exc_info() == (None, None, None)
