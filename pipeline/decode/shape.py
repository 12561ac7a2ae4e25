"""Columns of the rows that are staged, made from the shapes of the contracts: one table a topic.

A field is a column of its name in snake case; each field of a list of objects is a list column, with the name of
the list in the singular in front: `item_`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import pyarrow as pa

from shopstream.contracts import order, values
from shopstream.contracts.events import DATA
from shopstream.contracts.schema import Field, Many, Shape
from shopstream.contracts.topics import BY_NAME

MONEY = pa.decimal128(18, 4)
INSTANT = pa.timestamp("us", "UTC")

HISTORY = pa.schema(
    {
        "shop_id": pa.string(),
        "topic": pa.string(),
        "epoch": pa.uint32(),
        "partition": pa.uint32(),
        "offset": pa.uint64(),
        "arrived": pa.timestamp("ms", "UTC"),
        "type": pa.string(),
        "user_id": pa.string(),
        "backfill": pa.bool_(),
        "raw": pa.binary(),
    }
)
"""One row an accepted event, of table `events`."""
_TEXT = pa.string(), "String"
_TYPES: Mapping[object, tuple[pa.DataType, str]] = {
    values.text: _TEXT,
    values.flag: (pa.bool_(), "Bool"),
    values.attribute: _TEXT,
    values.identifier: _TEXT,
    values.currency: _TEXT,
    values.timezone: _TEXT,
    order.status_map: _TEXT,
    order.counted_statuses: _TEXT,
    values.time: (INSTANT, "DateTime64(6, 'UTC')"),
    values.money: (MONEY, "Decimal(18, 4)"),
    values.amount: (MONEY, "Decimal(18, 4)"),
}


class Column(NamedTuple):
    """A column of a staged table; `item` for a member of the objects in the list `field`."""

    name: str
    field: Field
    item: Field | None = None

    @property
    def leaf(self) -> Field:
        """The field whose values the column holds."""
        return self.item or self.field


class Member(NamedTuple):
    """A member of `data` of the events of a topic.

    `field` is required only where every type of the topic requires it; `within` are the types that have it,
    `needed` those that require it. `alike`: it is the same in all types.
    """

    field: Field
    within: tuple[str, ...]
    needed: tuple[str, ...]
    alike: bool


@cache
def members(topic: str) -> tuple[Member, ...]:
    """The members that any type of the topic has, each once.

    Raises:
        ValueError: where two types give one name different rules.
    """
    of_types = {kind: {f.name: f for f in DATA[kind].fields} for kind in BY_NAME[topic].types}
    names = dict.fromkeys(name for fields in of_types.values() for name in fields)
    return tuple(_member(name, of_types) for name in names)


def _member(name: str, of_types: Mapping[str, Mapping[str, Field]]) -> Member:
    found = {kind: fields[name] for kind, fields in of_types.items() if name in fields}
    needed = tuple(kind for kind, field in found.items() if field.required)
    first, *others = (replace(field, required=False) for field in found.values())
    if any(_meaning(other) != _meaning(first) for other in others):
        raise ValueError(f"{name} has different rules in {', '.join(found)}")
    required = len(needed) == len(of_types)
    alike = len(found) == len(of_types) and (required or not needed)
    return Member(replace(first, required=required), tuple(found), needed, alike)


def _meaning(field: Field) -> tuple[object, ...]:
    """A field without what is only for people."""
    rule: object = field.rule
    if isinstance(rule, Many):
        rule = (*map(_meaning, rule.shape.fields), rule.low, rule.high)
    return field.name, rule, field.required, field.relation, field.default


@cache
def columns(topic: str) -> tuple[Column, ...]:
    """In the order of the staged table."""
    return tuple(_columns(topic))


def _columns(topic: str) -> Iterator[Column]:
    for field, *_ in members(topic):
        if isinstance(field.rule, Many):
            for item in field.rule.shape.fields:
                yield Column(f"{field.name.removesuffix('s')}_{_snake(item.name)}", field, item)
        else:
            yield Column(_snake(field.name), field)


@cache
def staged(topic: str) -> pa.Schema:
    """One row an accepted event: who says it, then its columns."""
    head = {name: pa.string() for name in ("shop_id", "event_id", "source", "type")}
    head["backfill"] = pa.bool_()
    return pa.schema({**head, **{column.name: _arrow(column) for column in columns(topic)}})


_HEAD = {
    "seq": "UInt32",
    "shop_id": "LowCardinality(String)",
    "event_id": "String",
    "source": "String",
    "type": "LowCardinality(String)",
    "backfill": "Bool",
}


@cache
def structure(topic: str, without: frozenset[str] = frozenset()) -> str:
    """The same for ClickHouse, with `seq` in front: the order of arrival; `without` some of its columns."""
    every = _HEAD | {column.name: _clickhouse(column) for column in columns(topic)}
    return ", ".join(f"{name} {kind}" for name, kind in every.items() if name not in without)


def _arrow(column: Column) -> pa.DataType:
    kind = arrow(column.leaf)
    return pa.list_(kind) if column.item else kind


def arrow(field: Field) -> pa.DataType:
    """The type of a field's values, of those of one element for a member of a list."""
    return _kind(field)[0]


def _clickhouse(column: Column) -> str:
    kind = _kind(column.leaf)[1]
    if not column.leaf.required and column.leaf.default is None:
        kind = f"Nullable({kind})"
    return f"Array({kind})" if column.item else kind


def _kind(field: Field) -> tuple[pa.DataType, str]:
    """Raises `NotImplementedError` for a rule that has no type of a column yet."""
    rule = field.rule
    if isinstance(rule, values.Whole):
        return (pa.uint32(), "UInt32") if rule.low >= 0 else (pa.int64(), "Int64")
    if isinstance(rule, values.OneOf):
        return _TEXT
    if isinstance(rule, values.Quantity):
        return _TYPES[values.money]
    if isinstance(rule, Shape | Many) or rule not in _TYPES:
        raise NotImplementedError(f"{rule!r} has no type of a column")
    return _TYPES[rule]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])[A-Z]", lambda found: f"_{found[0].lower()}", name)
