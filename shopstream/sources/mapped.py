"""What a mapping gives: events of the contract, or why there are none. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from shopstream.contracts import topics, values

Event = dict[str, Any]
DIGEST = 12
"""Hexadecimal digits of an event id that are made of its data."""
SCALE = Decimal("0.0001")
_EXACT = Context(prec=100)
"""More digits than any product here has; half-even."""
SHOWN = 40
"""Characters of a payload that a sentence repeats."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """`ignored` says why a payload gives no event, and is None where it gives some."""

    events: tuple[Event, ...] = ()
    ignored: str | None = None


@dataclass(frozen=True, slots=True)
class Shop:
    """Whose payload it is. With `backfill` its events are history: reports count them, nothing is pushed."""

    platform: str
    id: str
    backfill: bool = False

    def event(self, kind: str, at: str, data: Mapping[str, Any]) -> Event:
        """The CloudEvent of `kind` at the time `at`; members of `data` that are None are left out.

        Its id is made of the type, the entity, the time and the data: the same payload gives the same event, and two
        versions within the second in which platforms count are two.
        """
        data = present(data)
        entity = data[topics.BY_NAME[topics.TOPIC_OF_TYPE[kind]].entity or ""]
        text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:DIGEST]
        return {
            "specversion": "1.0",
            "id": f"{kind}:{entity}:{at}"[: values.IDENTIFIER_LENGTH - DIGEST - 1] + f":{digest}",
            "source": f"/{self.platform}/{self.id}",
            "type": kind,
            "time": at,
            "shopid": self.id,
            **({"shopstreambackfill": True} if self.backfill else {}),
            "data": data,
        }


def identifier(text: str) -> str:
    """A text of the platform as an identifier: without control characters, and cut."""
    return values.CONTROL.sub(" ", text)[: values.IDENTIFIER_LENGTH]


def shown(text: str) -> str:
    """The begin of a payload's text, for a sentence: without signs that a terminal obeys."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:SHOWN])


def money(amount: Decimal | None) -> str | None:
    """Exact text, with the digits that the amount has."""
    return None if amount is None else format(amount, "f")


def nonzero(amount: Decimal | None) -> str | None:
    """Exact text; None where there is nothing."""
    return format(amount, "f") if amount else None


def product(quantity: Decimal, price: Decimal) -> Decimal:
    """What `quantity` comes to. Rounded half-even to 4 decimals where it has more, as the contract does."""
    exact = _EXACT.multiply(quantity, price)
    rounded = _EXACT.quantize(exact, SCALE)
    return exact if rounded == exact else rounded


def unit_price(amount: Decimal, quantity: Decimal) -> str:
    """`amount` of one unit. Rounded half-even to 4 decimals where it does not divide: the line's `total` is exact."""
    price = abs(amount) / abs(quantity) if quantity else abs(amount)
    rounded = price.quantize(SCALE)
    return format(rounded.normalize() if rounded == price else rounded, "f")


def number(quantity: Decimal) -> int | float | str:
    """A quantity as a JSON number with the same digits; text where binary floating point would print others."""
    whole = int(quantity)
    if whole == quantity:
        return whole
    near = float(quantity)
    return near if Decimal(repr(near)) == quantity else format(quantity, "f")


def present(members: Mapping[str, Any]) -> dict[str, Any]:
    """Without the members that are None."""
    return {name: value for name, value in members.items() if value is not None}


def total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
