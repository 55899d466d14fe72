"""Log lines that people and machines can read, without secrets.

``[2026-02-17 10:00:01] INFO     WEATHER      Fetched NWS forecast  {"city":"NYC","high_f":55}``:
time in UTC, level padded to 8, tag padded to 12, message, two spaces, fields as compact JSON.
Warnings and worse are kept as :class:`~boz.core.models.LogEntry` rows as well.
"""

from __future__ import annotations

import contextlib
import contextvars
import datetime as dt
import json
import logging
import logging.handlers
import sys
import threading
from pathlib import Path
from typing import Any

from boz.core.redaction import redact, redact_text

try:
    import fcntl
except ImportError:  # Windows: one process writes the file there
    fcntl = None  # type: ignore[assignment]

TAGS = (
    "WEATHER",
    "MARKET",
    "MODEL",
    "TRADING",
    "ORDER",
    "RISK",
    "COOLDOWN",
    "AUTH",
    "SETTLE",
    "POSTMORTEM",
    "SYSTEM",
)
DEFAULT_TAG = "SYSTEM"
LOGGER_NAME = "boz"
JSON_FILE_DAYS = 30

#: The request being answered; the JSON file carries it so that lines can be joined.
request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")


class TaggedLogger:
    """A logger of one part of the system; fields are keyword arguments, never formatted in."""

    def __init__(self, tag: str) -> None:
        """Keep the tag; see :func:`get_logger`."""
        self.tag = tag
        self._logger = logging.getLogger(f"{LOGGER_NAME}.{tag.lower()}")

    def debug(self, message: str, /, **fields: Any) -> None:
        """Log what helps only while searching for a fault."""
        self._log(logging.DEBUG, message, fields)

    def info(self, message: str, /, **fields: Any) -> None:
        """Log what happened."""
        self._log(logging.INFO, message, fields)

    def warning(self, message: str, /, **fields: Any) -> None:
        """Log what someone should look at in time; kept as a row."""
        self._log(logging.WARNING, message, fields)

    def error(self, message: str, /, **fields: Any) -> None:
        """Log what failed; kept as a row."""
        self._log(logging.ERROR, message, fields)

    def exception(self, message: str, /, **fields: Any) -> None:
        """Log what failed together with the traceback of the exception being handled."""
        self._log(logging.ERROR, message, fields, exc_info=True)

    def _log(
        self, level: int, message: str, fields: dict[str, Any], *, exc_info: bool = False
    ) -> None:
        if not self._logger.isEnabledFor(level):
            return
        extra = {"tag": self.tag, "fields": redact(fields), "is_redacted": True}
        self._logger.log(level, redact_text(message), extra=extra, exc_info=exc_info)

    def __repr__(self) -> str:
        return f"TaggedLogger({self.tag!r})"


def get_logger(tag: str) -> TaggedLogger:
    """Return the logger of one tag.

    Raises:
        ValueError: If the tag is not one of :data:`TAGS`; filters in the console rely on them.
    """
    if tag not in TAGS:
        raise ValueError(f"a log tag is one of {', '.join(TAGS)}, was {tag!r}")
    return TaggedLogger(tag)


class RedactionFilter(logging.Filter):
    """Removes secrets from records of any logger, third parties' included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact message and fields in place; never drops a record."""
        if getattr(record, "is_redacted", False):
            return True
        record.msg = redact_text(_message_of(record))
        record.args = ()
        record.fields = redact(_fields_of(record))
        record.is_redacted = True
        return True


class BozFormatter(logging.Formatter):
    """Writes the line described at the top of this module."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback follows on lines of its own."""
        at = _time_of(record).strftime("%Y-%m-%d %H:%M:%S")
        message = _one_line(_message_of(record))
        line = f"[{at}] {record.levelname:<8} {_tag_of(record):<12} {message}"
        fields = _fields_of(record)
        if fields:
            line = f"{line}  {_compact_json(fields)}"
        traceback = _traceback_of(self, record)
        return f"{line}\n{traceback}" if traceback else line


class JsonLineFormatter(logging.Formatter):
    """Writes one JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return at, level, tag, logger, message, fields, and request id and error if any."""
        entry: dict[str, Any] = {
            "at": _time_of(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "tag": _tag_of(record),
            "logger": record.name,
            "message": _message_of(record),
            "fields": _fields_of(record),
        }
        if request_id.get():
            entry["request_id"] = request_id.get()
        traceback = _traceback_of(self, record)
        if traceback:
            entry["error"] = traceback
        return _compact_json(entry)


class DailyJsonFileHandler(logging.handlers.TimedRotatingFileHandler):
    """A JSON file per UTC day; several processes may write the same file.

    The base class lets every process move the file at midnight, the later ones over the day that
    the first has just put aside. Here whoever comes later only reopens.
    """

    def __init__(self, filename: str) -> None:
        """Open ``filename`` on first use; its folder is made."""
        Path(filename).parent.mkdir(parents=True, exist_ok=True)
        super().__init__(
            filename,
            when="midnight",
            backupCount=JSON_FILE_DAYS,
            utc=True,
            delay=True,
            encoding="utf-8",
        )

    def doRollover(self) -> None:  # noqa: N802 - the base class names it
        """Move the file to its day once, whichever process is first."""
        day = dt.datetime.fromtimestamp(self.rolloverAt - self.interval, tz=dt.UTC)
        moved = Path(f"{self.baseFilename}.{day.strftime(self.suffix)}")
        with _file_lock(Path(f"{self.baseFilename}.lock")):
            if not moved.exists():
                super().doRollover()
                return
        if self.stream:
            self.stream.close()
            self.stream = None
        self.rolloverAt = self.computeRollover(int(dt.datetime.now(tz=dt.UTC).timestamp()))


class DatabaseHandler(logging.Handler):
    """Keeps warnings and worse as rows; whatever goes wrong, the caller never notices."""

    def __init__(self, level: int | str = logging.WARNING) -> None:
        """Start at WARNING unless told otherwise."""
        super().__init__(level)
        self._busy = threading.local()

    def createLock(self) -> None:  # noqa: N802 - the base class names it
        """Take no lock.

        A thread that waits for the database would hold it, and the thread that holds the database
        may be waiting to log.
        """
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and write without a lock; see :meth:`createLock`."""
        wanted = bool(self.filter(record))
        if wanted:
            self.emit(record)
        return wanted

    def emit(self, record: logging.LogRecord) -> None:
        """Write one row, or say on stderr that it could not be written."""
        if getattr(self._busy, "now", False):
            return
        self._busy.now = True
        try:
            self._write(record)
        except Exception as error:  # noqa: BLE001 - logging must never break what it reports on
            self._drop(record, error)
        finally:
            self._busy.now = False

    def _write(self, record: logging.LogRecord) -> None:
        from django.apps import apps
        from django.db import DatabaseError, connection, transaction

        if not apps.ready:
            return
        if connection.in_atomic_block and connection.needs_rollback:
            raise RuntimeError("the surrounding transaction is broken")
        entry = apps.get_model("core", "LogEntry")
        context = dict(_fields_of(record))
        traceback = _traceback_of(logging.Formatter(), record)
        if traceback:
            context["traceback"] = traceback
        if request_id.get():
            context["request_id"] = request_id.get()
        try:
            with transaction.atomic():
                entry.objects.create(
                    at=_time_of(record),
                    level=record.levelname,
                    tag=_tag_of(record)[:12],
                    message=_message_of(record),
                    context=context,
                )
        except DatabaseError:
            # Before the first migration there is no table, and that is no fault.
            if entry._meta.db_table in connection.introspection.table_names():
                raise

    def _drop(self, record: logging.LogRecord, error: Exception) -> None:
        with contextlib.suppress(Exception):
            sys.stderr.write(
                f"A log row could not be kept ({type(error).__name__}): "
                f"{record.levelname} {_tag_of(record)} {_message_of(record)}\n"
            )


def logging_config(*, level: str, json_file: str | None) -> dict[str, Any]:
    """Return ``settings.LOGGING``.

    Args:
        level: Least level of lines, e.g. ``INFO``.
        json_file: Path of the daily JSON file, or None for none.
    """
    handlers: dict[str, dict[str, Any]] = {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["redaction"],
        },
        "database": {"class": "boz.core.logging.DatabaseHandler", "filters": ["redaction"]},
    }
    if json_file:
        handlers["json"] = {
            "class": "boz.core.logging.DailyJsonFileHandler",
            "filename": json_file,
            "formatter": "json",
            "filters": ["redaction"],
        }
    everywhere = list(handlers)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"redaction": {"()": "boz.core.logging.RedactionFilter"}},
        "formatters": {
            "line": {"()": "boz.core.logging.BozFormatter"},
            "json": {"()": "boz.core.logging.JsonLineFormatter"},
        },
        "handlers": handlers,
        "root": {"level": level, "handlers": everywhere},
        "loggers": {
            # Without these Django would print a second time through handlers of its own.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            # A stranger's 404 is no warning of ours; the request log has it.
            "django.request": {"level": "ERROR"},
            # Queries are logged only on purpose, never because LOG_LEVEL is DEBUG.
            "django.db.backends": {"level": "INFO"},
            "django-q": {"level": "INFO"},
            # These write every address they call, with its query.
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "apprise": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
            # Its threads tell of connections that broke; whoever reads from them tells it too.
            "websockets": {"level": "CRITICAL"},
        },
    }


def _time_of(record: logging.LogRecord) -> dt.datetime:
    return dt.datetime.fromtimestamp(record.created, tz=dt.UTC)


def _tag_of(record: logging.LogRecord) -> str:
    return str(getattr(record, "tag", DEFAULT_TAG))


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, dict) else {}


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a wrong placeholder must not lose the line
        return str(record.msg)


def _one_line(text: str) -> str:
    """Escape what would start a new line: a forged line must stay inside its own."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _compact_json(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def _traceback_of(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    return redact_text(formatter.formatException(record.exc_info))


@contextlib.contextmanager
def _file_lock(path: Path) -> Any:
    if fcntl is None:
        yield
        return
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
