"""The log: one line an event, as text or as JSON, with the request it belongs to and nothing personal.

What somebody typed may stand in the message of an error of a library, so of such errors only kind and places in the
code are written; the desk's own refusals are not errors and are not logged as such.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

from refundcore.telemetry import request_id


class Lines(logging.Formatter):
    """One line a record."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self.as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record; it never holds a line break."""
        told = {
            "at": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
            "level": record.levelname.lower(),
            "event": _flat(record.getMessage()),
            "where": record.name,
        }
        if found := request_id.get():
            told["request"] = found
        told |= getattr(record, "event", {})
        if record.exc_info and record.exc_info[1] is not None:
            told["error"] = error_text(record.exc_info[1])
        if self.as_json:
            return json.dumps(told, ensure_ascii=True, default=str)
        rest = " ".join(f"{name}={value}" for name, value in told.items() if name not in {"at", "level", "event"})
        return _flat(f"{told['at']} {told['level']} {told['event']} {rest}")


def error_text(problem: BaseException) -> str:
    """An error's kind and where in the code it came up, without its message."""
    places = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(problem.__traceback__)
    ]
    return f"{type(problem).__module__}.{type(problem).__name__} at {' < '.join(reversed(places[-12:]))}"


def set_up(form: str, stream: object = None) -> None:
    """Write the log of everything in this process to standard error."""
    handler = logging.StreamHandler(stream or sys.stderr)  # type: ignore[arg-type]
    handler.setFormatter(Lines(as_json=form == "json"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("refundcore").setLevel(logging.INFO)
    take_over()


def take_over() -> None:
    """Have Streamlit's and uvicorn's loggers, which bring ways of their own, write as everything else does."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in {"streamlit", "uvicorn"}:
            logger = logging.getLogger(name)
            logger.handlers[:] = []
            logger.propagate = True


def _flat(text: str) -> str:
    return " ".join(text.split())
