"""An example of every event, made from its shape: the values that its rules allow. Pure."""

from collections.abc import Mapping
from typing import Any

from shopstream.contracts import values
from shopstream.contracts.deadletter import SOURCE
from shopstream.contracts.events import DATA, ENVELOPES
from shopstream.contracts.schema import Field, Many, Shape
from shopstream.contracts.system_events import SYSTEM

TIME = "2026-11-22T10:15:30.123Z"
_VALUES: Mapping[object, str] = {
    values.money: "19.90",
    values.currency: "EUR",
    values.time: TIME,
    values.timezone: "Europe/Berlin",
}


def example(kind: str) -> dict[str, Any]:
    """A whole event of any type, with every member that it may have."""
    if kind in DATA:
        return {"specversion": "1.0", "type": kind, **_object(ENVELOPES[kind])}
    event = SYSTEM[kind]
    head = {"specversion": "1.0", "type": kind, "id": "8f14e45f", "source": SOURCE, "time": TIME}
    shop = {"shopid": "shop-1"} if event.of_shop else {}
    return {**head, **shop, "data": event.example}


def _object(shape: Shape) -> dict[str, Any]:
    return {field.name: _value(field) for field in shape.fields}


def _value(field: Field) -> Any:
    rule = field.rule
    if field.example is not None:
        return field.example
    if isinstance(rule, Shape):
        return _object(rule)
    if isinstance(rule, Many):
        return [_object(rule.shape)]
    if isinstance(rule, values.OneOf):
        return rule.options[0]
    if isinstance(rule, values.Whole):
        return max(rule.low, 1)
    if rule is values.identifier:
        return f"{field.name.lower().removesuffix('id')}-1"
    return _VALUES[rule]
