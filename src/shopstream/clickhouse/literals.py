"""Values as query parameters of the HTTP interface: `param_name` in the escaped text form of a value."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0", "'": "\\'"}
)


def parameter(value: Any) -> str:
    """The text of a bound parameter, as `{name:Type}` in the statement reads it.

    Raises:
        TypeError: for a type that has no text form here.
    """
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, Sequence):
        return "[" + ",".join(_element(v) for v in value) + "]"
    return _plain(value)


def _element(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.translate(_ESCAPES) + "'"
    text = _plain(value)
    return f"'{text}'" if isinstance(value, date) else text


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not a query parameter")
