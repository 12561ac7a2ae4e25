"""Reads an object field by field by a declared shape, and names the first field that breaks a rule.

A missing field is told before a bad value. Of several missing fields the one of the outermost object is
told first, in declared order; of several bad values the first in the document.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shopstream.contracts.reject import Reason, Refused
from shopstream.contracts.values import Check, Invalid

Document = Mapping[str, Any]
Relation = Callable[[Any, Document], None]


@dataclass(frozen=True, slots=True)
class Field:
    """One member. `relation` is given the checked value and its raw siblings, and raises `Invalid`."""

    name: str
    rule: "Check | Shape | Many"
    required: bool = False
    relation: Relation | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """An object with these members; others are ignored."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Many:
    """A list of objects."""

    shape: Shape
    low: int
    high: int


def read(shape: Shape, document: Document, path: str = "") -> dict[str, Any]:
    """The typed members by name; an absent or null optional one is None.

    Raises:
        Refused: `missing_field` or `bad_value` with the path.
    """
    _require(shape, document, path)
    return _read(shape, document, path)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _require(shape: Shape, document: Document, path: str) -> None:
    for field in shape.fields:
        if field.required and document.get(field.name) is None:
            where = _join(path, field.name)
            raise Refused(Reason.MISSING_FIELD, where, f"{where} is required")
    rules = {field.name: field.rule for field in shape.fields}
    for name, value in document.items():
        rule, where = rules.get(name), _join(path, name)
        if isinstance(rule, Shape) and isinstance(value, dict):
            _require(rule, value, where)
        elif isinstance(rule, Many) and isinstance(value, list):
            for i, element in enumerate(value):
                if isinstance(element, dict):
                    _require(rule.shape, element, f"{where}[{i}]")


def _read(shape: Shape, document: Document, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {field.name: None for field in shape.fields}
    fields = {field.name: field for field in shape.fields}
    for name, value in document.items():
        field = fields.get(name)
        if field is None or value is None:
            continue
        where = _join(path, name)
        try:
            found[name] = _value(field.rule, value, where)
            if field.relation:
                field.relation(found[name], document)
        except Invalid as error:
            raise Refused(Reason.BAD_VALUE, where, f"{where} {error}") from None
    return found


def _value(rule: "Check | Shape | Many", value: Any, where: str) -> Any:
    if isinstance(rule, Shape):
        if not isinstance(value, dict):
            raise Invalid("must be an object")
        return _read(rule, value, where)
    if isinstance(rule, Many):
        return _many(rule, value, where)
    return rule(value)


def _many(rule: Many, value: Any, where: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not rule.low <= len(value) <= rule.high:
        raise Invalid(f"must be a list of {rule.low} to {rule.high} objects")
    found = []
    for i, element in enumerate(value):
        if not isinstance(element, dict):
            place = f"{where}[{i}]"
            raise Refused(Reason.BAD_VALUE, place, f"{place} must be an object")
        found.append(_read(rule.shape, element, f"{where}[{i}]"))
    return found
