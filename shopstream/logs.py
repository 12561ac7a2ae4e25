"""The log of a process on standard error: one line for each record, as text or as JSON."""

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

from shopstream.variables import unknown_variables

Format = Literal["text", "json"]
logger = logging.getLogger(__name__)
WINDOW = 10.0
BURST = 5


class TextFormatter(logging.Formatter):
    """`2026-11-29 09:31:25,950 INFO api.main: serving …`, in UTC."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.converter = time.gmtime


class JsonFormatter(logging.Formatter):
    """`time` (RFC 3339), `level`, `logger`, `message`, and `error` with the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        found: dict[str, Any] = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            found["error"] = self.formatException(record.exc_info)
        return json.dumps(found, ensure_ascii=False)


class RateLimit(logging.Filter):
    """Lets `burst` records of one message template through per `window` seconds.

    The first record of the next window says how many were left out. Templates are few, so what is remembered stays
    small.
    """

    def __init__(
        self,
        burst: int = BURST,
        window: float = WINDOW,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._burst = burst
        self._window = window
        self._clock = clock
        self._seen: dict[object, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to let the record through; those above ERROR always pass."""
        if record.levelno > logging.ERROR:
            return True
        key, now = (record.name, record.msg), self._clock()
        since, count = self._seen.get(key, (now, 0))
        if now - since < self._window:
            self._seen[key] = (since, count + 1)
            return count < self._burst
        self._seen[key] = (now, 1)
        if count > self._burst:
            record.msg = f"{record.msg} [{count - self._burst} more like this left out]"
        return True


def formatter(form: Format) -> logging.Formatter:
    return JsonFormatter() if form == "json" else TextFormatter()


def configure(form: Format, *, level: int = logging.INFO) -> None:
    """Sends every record of this process to standard error, and warns of unknown variables there."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=level, handlers=[handler])
    for sentence in unknown_variables(os.environ):
        logger.warning("%s", sentence)


def as_json(line: str, process: str, at: datetime) -> str:
    """A line that another program wrote, as one of ours; one that is JSON already stays as it is."""
    if line.startswith("{"):
        return line
    time_text = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"time": time_text, "logger": process, "message": line}, ensure_ascii=False)


def sentence(line: str) -> str:
    """What a line of a log says, for a terminal."""
    if not line.startswith("{"):
        return line
    try:
        found = json.loads(line)
        return f"{found['level']} {found['message']}"
    except (ValueError, KeyError, TypeError):
        return line
