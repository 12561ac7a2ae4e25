"""From Python values to JSON in which money and quantities keep exactly their digits. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from shopstream.contracts import values
from shopstream.contracts.events import DATA
from shopstream.contracts.reject import Reason
from shopstream.contracts.schema import Many, Shape, join
from shopstream.producer.errors import InvalidEvent

_INDEX = re.compile(r"\[\d+\]")


def plain(value: object, path: str = "") -> Any:
    """What `json` can write: typed things by their contract names, without absent fields; Decimals as text;
    times in UTC.

    Raises:
        InvalidEvent: a float as money or a quantity, a time without a zone, a value that JSON has no form for.
    """
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return _time(value, path)
    if isinstance(value, float):
        return _not_decimal(value, path)
    if isinstance(value, Mapping):
        return {str(name): plain(each, join(path, str(name))) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, f"{path}[{i}]") for i, each in enumerate(value)]
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(each, join(path, name)) for name, each in _present(value)}
    raise _bad(path, f"must not be a {type(value).__name__}")


def encode(event: object) -> bytes:
    """The bytes of a plain value.

    Raises:
        InvalidEvent: NaN, Infinity, or text with half of a surrogate pair.
    """
    try:
        text = json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (ValueError, RecursionError) as error:
        raise InvalidEvent(Reason.NOT_JSON, None, f"the event is not JSON: {error}") from None


def _present(model: Any) -> Iterator[tuple[str, object]]:
    kind: Any = type(model)
    for name, told_as in _names(kind):
        value = getattr(model, name)
        if value is not None:
            yield told_as, value


@cache
def _names(kind: Any) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, _camel(field.name)) for field in fields(kind))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _time(value: datetime, path: str) -> str:
    if value.utcoffset() is None:
        raise _bad(path, "must have a time zone: datetime.now(UTC), not datetime.now()")
    try:
        instant = value.astimezone(UTC)
    except OverflowError:
        raise _bad(path, "must be in the years 2000 to 2100") from None
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _not_decimal(value: float, path: str) -> float:
    if _INDEX.sub("[]", path) in _DECIMALS:
        raise _bad(path, f"must be Decimal, int or text, not the float {value!r}")
    return value


def _decimal_paths(shape: Shape, path: str) -> Iterator[str]:
    for field in shape.fields:
        where = join(path, field.name)
        if field.rule in (values.money, values.amount) or isinstance(field.rule, values.Quantity):
            yield where
        elif isinstance(field.rule, Shape):
            yield from _decimal_paths(field.rule, where)
        elif isinstance(field.rule, Many):
            yield from _decimal_paths(field.rule.shape, f"{where}[]")


def _bad(path: str, rule: str) -> InvalidEvent:
    return InvalidEvent(Reason.BAD_VALUE, path or None, f"{path} {rule}".strip())


_DECIMALS = frozenset(path for shape in DATA.values() for path in _decimal_paths(shape, "data"))
