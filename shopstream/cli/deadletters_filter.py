"""A dead letter as it is read back, and which of them match. Pure."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shopstream.cli.tokens import duration
from shopstream.contracts import values
from shopstream.contracts.deadletter import TYPE
from shopstream.contracts.envelope import shop_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A refused record: where it lay, its bytes (None where they were not kept), and why it was refused."""

    refused_at: datetime
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    size: int
    reason: str
    field: str | None
    message: str
    data: dict[str, Any]
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def position(self) -> str:
        """`topic:partition:offset` of the refused record, `topic:partition:first-last` of many."""
        last = self.data.get("lastOffset")
        position = f"{self.topic}:{self.partition}:{self.offset}"
        return position if last is None else f"{position}-{last}"

    @property
    def shop(self) -> str | None:
        """The shop that the record names, in its headers, in its value, or else in its key."""
        if (shop := shop_of(self.headers)) is not None:
            return shop
        event = _json(self.value)
        named = event.get("shopid") if isinstance(event, dict) else None
        if isinstance(named, str):
            return named
        return self.key.decode(errors="replace").partition("/")[0] if self.key else None

    def document(self) -> dict[str, Any]:
        """The letter's `data`, the shop, and when it was refused."""
        at = self.refused_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"refusedAt": at, "shop": self.shop, **self.data}


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Which dead letters; None: any."""

    reason: str | None = None
    topic: str | None = None
    shop: str | None = None
    since: datetime | None = None

    def admits(self, letter: DeadLetter) -> bool:
        return (
            self.reason in (None, letter.reason)
            and self.topic in (None, letter.topic)
            and (self.since is None or letter.refused_at >= self.since)
            and (self.shop is None or self.shop == letter.shop)
        )


def read_dead_letter(value: bytes | None, refused_ms: int) -> DeadLetter:
    """From a record of `shop.deadletters` and its timestamp.

    Raises:
        ValueError: it is not a dead letter.
    """
    event = _json(value)
    if not isinstance(event, dict) or event.get("type") != TYPE:
        raise ValueError(f"not an event of type {TYPE}")
    try:
        data = event["data"]
        return DeadLetter(
            _EPOCH + timedelta(milliseconds=refused_ms),
            str(data["topic"]),
            int(data["partition"]),
            int(data["offset"]),
            _bytes(data["key"]),
            _bytes(data["value"]),
            int(data["size"]),
            str(data["reason"]),
            data["field"],
            str(data["message"]),
            data,
            tuple((str(each["name"]), _bytes(each["value"])) for each in data.get("headers", ())),
        )
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"not a dead letter ({error})") from None


def since(text: str, now: datetime) -> datetime:
    """`2h` before `now`, or the instant that an RFC 3339 time names.

    Raises:
        ValueError: neither.
    """
    try:
        return now - duration(text)
    except ValueError:
        pass
    try:
        return values.time(text)
    except values.Invalid:
        example = "2026-11-22T10:15:30Z"
        raise ValueError(f"'{text}' is neither a duration such as 2h nor {example}") from None


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)


def _json(value: bytes | None) -> Any:
    try:
        return json.loads(value or b"")
    except (ValueError, RecursionError):
        return None
