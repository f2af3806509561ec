"""The log of the service: lines for people, or JSON for programs."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tuner.core.errors import InvalidRequest
from tuner.service.request_ids import request_id

FORMATS = ("text", "json")
FIELDS = ("method", "path", "status", "seconds", "user", "client")
"""Fields of lines about requests."""


class JsonLines(logging.Formatter):
    """Writes each record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if number := request_id.get():
            line["request_id"] = number
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)  # ASCII: no line end or control character of a name gets through


class TextLines(logging.Formatter):
    """Writes warnings and errors for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        number = request_id.get()
        text = f"{record.levelname.lower()}: {record.getMessage()}" + (f" (request {number})" if number else "")
        return text if not record.exc_info else f"{text}\n{self.formatException(record.exc_info)}"


def configure(format: str) -> Mapping[str, Any]:
    """Have the log written to standard error; return the settings of uvicorn's own log, which joins it.

    Args:
        format: "text", for warnings and errors; "json", for a line per request as well.

    Raises:
        InvalidRequest: There is no such format.
    """
    if format not in FORMATS:
        raise InvalidRequest("log_format", f"is one of {', '.join(FORMATS)}", format)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if format == "json" else TextLines())
    level = logging.INFO if format == "json" else logging.WARNING
    for name in ("lodo_tune", "tuner", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level if name != "uvicorn" else logging.WARNING)
    return {"log_config": None, "access_log": False}
