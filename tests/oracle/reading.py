"""From the bytes of an event that keeps every rule to Python values."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Event = dict[str, Any]


class Place(NamedTuple):
    """Where a version stands among those of its thing: the greatest is the latest."""

    micros: int
    revision: int
    tie: int


def parse(value: bytes) -> Event:
    event: Event = json.loads(value, parse_float=Decimal)
    return event


def place(event: Event, time: str, revision: int = 0) -> Place:
    """By the member of `data` that holds its time."""
    return Place(micros(event["data"][time]), revision, tie(event))


def tie(event: Event) -> int:
    text = f"{event['source']}\n{event['id']}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def instant(text: str) -> datetime:
    """RFC 3339; what is finer than a microsecond is cut."""
    text = text.upper().replace("Z", "+00:00")
    whole, offset = text[:-6], text[-6:]
    whole, _, fraction = whole.partition(".")
    moment = datetime.fromisoformat(whole + offset).astimezone(UTC)
    return moment + timedelta(microseconds=int(fraction[:6].ljust(6, "0")))


def micros(text: str) -> int:
    return (instant(text) - EPOCH) // timedelta(microseconds=1)


def money(value: Any) -> Decimal:
    return Decimal(value)
