"""From the bytes of an event that keeps every rule to Python values."""

import hashlib
import json
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Event = dict[str, Any]
REMEMBERED = 1000
"""Events of one instant of a thing that are known again."""


class Place(NamedTuple):
    """Where a version stands among those of its thing: the greatest is the latest."""

    micros: int
    revision: int
    tie: int


def parse(value: bytes) -> Event:
    event: Event = json.loads(value, parse_float=Decimal)
    return event


class Latest:
    """Which event of each thing is its latest version: that of the greatest time, then revision, then arrival."""

    def __init__(self) -> None:
        self._places: dict[Hashable, Place] = {}
        self._equals: dict[Hashable, list[tuple[str, str]]] = {}

    def take(self, key: Hashable, event: Event, time: str, revision: int = 0) -> Place | None:
        """Its place where it now is the latest; `time` is the member of `data` that holds its time."""
        first = place(event, time, revision)
        now, name = self._places.get(key), (event["source"], event["id"])
        if now is None or first[:2] > now[:2]:
            self._places[key], self._equals[key] = first, [name]
        elif first[:2] < now[:2] or name in self._equals[key]:
            return None
        else:
            self._places[key] = now._replace(tie=now.tie + 1)
            self._equals[key] = [*self._equals[key], name][-REMEMBERED:]
        return self._places[key]


def place(event: Event, time: str, revision: int = 0) -> Place:
    """Of the first event at its instant."""
    return Place(micros(event["data"][time]), revision, tie(event))


def tie(event: Event) -> int:
    """31 bits."""
    text = f"{event['source']}\n{event['id']}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") & 0x7FFFFFFF


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


def some_money(value: Any) -> Decimal | None:
    return None if value is None else money(value)


units = money
"""A quantity: a number, or text of digits."""
