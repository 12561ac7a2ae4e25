"""Records that break a rule, made of good ones, each with the refusal that must be told."""

import copy
import random
from collections.abc import Callable
from typing import Any

from support.events import HOMES, TOPICS, Refusal, Sent, encode, record

Event = dict[str, Any]
LARGE = 512 * 1024 + 1
BAD_VALUES: dict[str, tuple[str, Any]] = {
    "order": ("currency", "EUX"),
    "inventory": ("quantity", 1.00001),
    "payment": ("amount", "-1"),
    "supplier": ("leadTimeDays", -1),
    "purchase": ("items", []),
    "storefront": ("at", "yesterday"),
    "shop": ("timezone", "Mars/Base"),
}
REQUIRED: dict[str, str] = {
    "order": "status",
    "inventory": "updatedAt",
    "payment": "currency",
    "supplier": "name",
    "purchase": "supplierId",
    "storefront": "at",
    "shop": "currency",
}


def spoiled(chance: random.Random, event: Event) -> Sent:
    """For any of the reasons; too large and too complex ones are rare, they take time."""
    way = chance.choice(WAYS[:2] if chance.random() < 0.01 else WAYS[2:])
    return way(chance, copy.deepcopy(event))


def moved(event: Event, created: str) -> Sent:
    """The same order with another `createdAt`, and later; the one that arrives first counts."""
    event = copy.deepcopy(event)
    event["id"] += "-moved"
    event["data"] |= {"createdAt": created, "revision": 1000}
    return record(event)


def _family(event: Event) -> str:
    return str(event["type"]).partition(":")[0]


def _too_large(_: random.Random, event: Event) -> Sent:
    sent = record(event)
    return Sent(sent.key, (sent.value or b"").ljust(LARGE), Refusal("too_large"), topic=sent.topic)


def _too_complex(chance: random.Random, event: Event) -> Sent:
    sent = record(event)
    note = chance.choice((b'"' + b"," * 20_001 + b'"', b"[" + b"0," * 20_000 + b"0]"))
    value = (sent.value or b"")[:-1] + b',"note":' + note + b"}"
    return Sent(sent.key, value, Refusal("too_complex"), topic=sent.topic)


def _not_json(chance: random.Random, event: Event) -> Sent:
    sent = record(event)
    value = chance.choice((b"", (sent.value or b"")[:-1], b"\xff"))
    return Sent(sent.key, value, Refusal("not_json"), topic=sent.topic)


def _not_cloudevent(chance: random.Random, event: Event) -> Sent:
    name, value = chance.choice((("specversion", "0.3"), ("id", ""), ("source", None)))
    event[name] = value
    return record(event, Refusal("not_cloudevent", name))


def _unknown_type(_: random.Random, event: Event) -> Sent:
    sent = record(event)
    event["type"] = "thing:happened"
    return Sent(sent.key, encode(event), Refusal("unknown_type", "type"), topic=sent.topic)


def _wrong_topic(chance: random.Random, event: Event) -> Sent:
    home = HOMES[_family(event)][0]
    other = chance.choice([topic for topic in TOPICS if topic != home])
    return record(event, Refusal("wrong_topic", "type"), topic=other)


def _missing_field(_: random.Random, event: Event) -> Sent:
    name = REQUIRED[_family(event)]
    del event["data"][name]
    return record(event, Refusal("missing_field", f"data.{name}"))


def _bad_value(_: random.Random, event: Event) -> Sent:
    name, value = BAD_VALUES[_family(event)]
    event["data"][name] = value
    return record(event, Refusal("bad_value", f"data.{name}"))


def _in_the_future(_: random.Random, event: Event) -> Sent:
    """A clock that is years ahead; purchases and visits have no versions."""
    name = "updatedAt" if "updatedAt" in event["data"] else "at"
    if _family(event) in ("purchase", "storefront"):
        return _bad_value(_, event)
    event["data"][name] = "2099-01-01T00:00:00Z"
    return record(event, Refusal("in_the_future", f"data.{name}"))


WAYS: tuple[Callable[[random.Random, Event], Sent], ...] = (
    _too_large,
    _too_complex,
    _not_json,
    _not_cloudevent,
    _unknown_type,
    _wrong_topic,
    _missing_field,
    _bad_value,
    _in_the_future,
)
