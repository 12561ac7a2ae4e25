"""The JSON Schemas accept and refuse what the reader does, but for what a schema cannot say."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from shopstream.contracts.json_schema import of_event
from shopstream.contracts.reject import Reason, Refusal
from shopstream.contracts.topics import TOPIC_OF_TYPE

OUTSIDE = {
    Reason.TOO_LARGE: "a schema does not see bytes",
    Reason.TOO_COMPLEX: "a schema does not count",
    Reason.NOT_JSON: "a schema begins after the parser",
    Reason.WRONG_TOPIC: "the topic is not in the record",
    Reason.UNKNOWN_TYPE: "a type that nobody knows has no schema",
}
"""Reasons that no schema can tell."""


def _number(value: object) -> bool:
    return isinstance(value, float)


def _decimal(value: object) -> bool:
    return isinstance(value, int | float | str)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


EDGES = ("1999-12-31", "2000-01-01", "2100-12-31", "2101-01-01")
BEYOND: dict[str, tuple[Callable[[object], bool], str]] = {
    "must be a whole number, written without fraction or exponent": (
        lambda value: isinstance(value, float) and value.is_integer(),
        "3.0 and 1e2 are whole numbers to JSON Schema",
    ),
    "must have at most 4 decimals": (_number, "multipleOf is not exact in floating point"),
    "must be below 10^12 with at most 4 decimals": (
        _number,
        "an exponent of 20 digits is 0 in floating point",
    ),
    "must not be negative": (
        lambda value: value == 0 and _number(value),
        "a number just below 0 is 0 in floating point",
    ),
    "must be below 2^31 with at most 4 decimals": (
        _number,
        "an exponent of 20 digits is 0 in floating point",
    ),
    "must be above 0": (
        lambda value: isinstance(value, str),
        "a pattern does not tell 0.0 from 0.1",
    ),
    "must be below 2^31": (
        lambda value: isinstance(value, str) or value == float(2**31),
        "a pattern tells digits, and a number just below the limit is the limit in floating point",
    ),
    "must be below 2^31 in size": (
        lambda value: isinstance(value, str),
        "a pattern tells digits",
    ),
    "must not be above quantity": (_decimal, "a schema does not compare members"),
    "must not be negative in a line whose kind is not return": (
        _decimal,
        "a schema does not compare members",
    ),
    "must not be 0 where neither the line nor the order has a total": (
        _decimal,
        "a schema does not look from a line at its order",
    ),
    "must have a line where the order has no total": (
        lambda value: value == [],
        "a schema does not compare members",
    ),
    "must have a sum of the lines' amounts from 0 to below 10^12": (
        lambda value: isinstance(value, list),
        "a schema does not add",
    ),
    "must have a sum of the lines' refunds from 0 to below 10^12": (
        lambda value: isinstance(value, list),
        "a schema does not add",
    ),
    "must have a sum of amounts below 10^12": (
        lambda value: isinstance(value, list),
        "a schema does not add",
    ),
    "must not be the id of another refund of the order": (
        lambda value: isinstance(value, str),
        "a schema does not compare the elements of a list",
    ),
    "must be a time that exists (RFC 3339)": (
        lambda value: _text(value)[8:10] in ("29", "30", "31"),
        "a pattern does not know the calendar",
    ),
    "must be in the years 2000 to 2100": (
        lambda value: _text(value)[:10] in EDGES,
        "a pattern does not apply an offset",
    ),
    "must be an IANA time zone, such as Europe/Berlin, or an offset of quarter hours from -12:00 to +14:00": (
        lambda value: isinstance(value, str),
        "the names change with each release of the database",
    ),
}
"""By rule: the values that break it and keep the schema, and why they do."""


def accepts(kind: str, document: Any) -> bool:
    """Whether the schema of a type accepts a document."""
    return bool(_validator(kind).is_valid(document))


def agree(value: bytes | None, refusal: Refusal | None) -> None:
    """Fails where reader and schema differ without a reason that is listed here."""
    if refusal is not None and refusal.reason in OUTSIDE:
        return
    document = json.loads(value or b"")
    kind = document.get("type") if isinstance(document, dict) else None
    if not isinstance(kind, str) or kind not in TOPIC_OF_TYPE:
        assert refusal is not None and refusal.reason is Reason.NOT_CLOUDEVENT
    elif accepts(kind, document):
        assert refusal is None or is_beyond(document, refusal), f"{kind}: {refusal}"
    else:
        assert refusal is not None, f"the schema of {kind} refuses what is accepted"


def is_beyond(document: Any, refusal: Refusal) -> bool:
    """Whether no schema could have told this refusal."""
    field = refusal.field or ""
    first = refusal.message.partition("; ")[0]
    found = BEYOND.get(first.removeprefix(f"{field} "))
    return found is not None and found[0](_member(document, field))


def _member(document: Any, path: str) -> Any:
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        document = document[int(index)] if index else document[name]
    return document


@cache
def _validator(kind: str) -> Validator:
    found: Validator = _ECMA(of_event(kind))
    return found


def _pattern(
    validator: Validator, pattern: str, instance: object, schema: object
) -> Iterator[jsonschema.ValidationError]:
    """As ECMA 262 has it: `$` is the very end, not before a last line feed."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


_ECMA = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _pattern})
