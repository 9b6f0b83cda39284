"""What Towpath says about itself: one event a line on stderr, and the names of all events.

On a terminal a line is for people; elsewhere it is one JSON object. An event carries numbers, ids
and names of our own, never anything of a person: no e-mail, phone, device id, digest or token.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

_LOGGER = logging.getLogger("towpath")
_LOGGER.addHandler(logging.NullHandler())  # before `set_up` nothing is said
_FIELDS = "towpath_fields"


class Event(StrEnum):
    """Every event there is; whoever reads logs can rely on these names."""

    DATABASE_READY = "database.ready"
    DATABASE_LOST = "database.lost"
    DATABASE_MIGRATED = "database.migrated"
    SERVICE_STARTED = "service.started"
    SERVICE_STOPPED = "service.stopped"
    SERVICE_FAILED = "service.failed"
    CANVAS_ENTERED = "canvas.entered"
    EVENTS_DROPPED = "events.dropped"
    LEASE_LOST = "lease.lost"
    REQUEST_SENT = "request.sent"
    REQUEST_SETTLED = "request.settled"
    ANSWER_LATE = "answer.late"
    ANSWER_UNEXPECTED = "answer.unexpected"
    SCOPE_PAUSED = "scope.paused"
    CONNECTION_BROKEN = "connection.broken"
    CONNECTION_READY = "connection.ready"
    MAY_STREAM = "connection.may_stream"
    AUDIENCE_TROUBLE = "audience.trouble"
    REQUEST_TOO_LARGE = "request.too_large"
    PEOPLE_ERRORED = "people.errored"
    ANSWER_FAILED = "answer.failed"
    COMMAND_FAILED = "command.failed"


def tell(event: Event, *, level: int = logging.INFO, **fields: object) -> None:
    """Say that it happened. `fields` are numbers and our own names; nothing of a person."""
    _LOGGER.log(level, str(event), extra={_FIELDS: fields})


def set_up(level: str, *, stream: TextIO | None = None) -> None:
    """Send events to `stream` (stderr), plain on a terminal and JSON elsewhere. Once a process."""
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(_Plain() if target.isatty() else _Json())
    _LOGGER.handlers = [handler]
    _LOGGER.propagate = False
    _LOGGER.setLevel(level.upper())


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        fields = " ".join(f"{name}={value}" for name, value in getattr(record, _FIELDS, {}).items())
        line = f"{at} {record.levelname.lower():7} {record.getMessage()} {fields}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
