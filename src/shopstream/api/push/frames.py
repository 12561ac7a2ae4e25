"""Server-sent events as bytes (WHATWG HTML, section 9.2). Control frames have no id: an empty one would
reset what the browser resumes from."""

import random
from typing import Any

import orjson

PING = b": ping\n\n"
RETRY_MS = (1000, 3000)
"""A client comes back after a random time in between, so that not all of them come back at once."""


def event(cursor: str, kind: str, data: bytes) -> bytes:
    """One event; `data` is on one line."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (cursor.encode(), kind.encode(), data)


def ready(complete: bool, cursor: str) -> bytes:
    """The first frame of a stream."""
    retry = b"retry: %d\n" % random.randint(*RETRY_MS)  # noqa: S311
    return retry + _control("stream:ready", {"complete": complete, "cursor": cursor})


def reset(cursor: str, reason: str) -> bytes:
    """Something was missed and cannot be had: fetch again, then go on from `cursor`."""
    return _control("stream:reset", {"reason": reason, "cursor": cursor})


def bye(reason: str) -> bytes:
    """The last frame of a stream."""
    return _control("stream:bye", {"reason": reason})


def _control(kind: str, data: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps(data))
