"""A platform's JSON object, read member by member. A fault names the member and the rule."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from shopstream.contracts.json_text import Number

_T = TypeVar("_T")
# so few digits that products and quotients of two of them are exact, or rounded once, in 28
_DECIMAL = re.compile(r"-?\d{1,13}(?:\.\d{1,8})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,12}", re.ASCII)
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", re.ASCII)


class Unmapped(ValueError):
    """A payload that no event can be made of: `field` is a path in the payload, `rule` what it breaks."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field} {rule}".strip())
        self.field = field
        self.rule = rule


class Payload:
    """One object of `json_text.parse`: its numbers are `Number`, so they keep the source's digits.

    A member that is null counts as absent. Every method raises `Unmapped`; those that begin with `maybe`
    only for a member of the wrong kind, and give None where it is absent.
    """

    __slots__ = ("_members", "_path")

    def __init__(self, members: object, path: str = "") -> None:
        if not isinstance(members, Mapping):
            raise Unmapped(path, "must be an object")
        self._members: Mapping[str, Any] = members
        self._path = path

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def fault(self, name: str, rule: str) -> Unmapped:
        """The fault of a member, to be raised."""
        return Unmapped(f"{self._path}.{name}" if self._path else name, rule)

    def maybe_text(self, name: str) -> str | None:
        """Text; empty text counts as absent, as platforms send it for what a customer left out."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, str):
            raise self.fault(name, "must be text")
        return value or None

    def text(self, name: str) -> str:
        """Text that is not empty."""
        return self._required(name, self.maybe_text(name))

    def maybe_id(self, name: str) -> str | None:
        """An id as text; platforms write ids as numbers, and 0 where there is none."""
        value = self._members.get(name)
        if isinstance(value, Number):
            value = value.text if value.text != "0" else None
        if value is not None and not isinstance(value, str):
            raise self.fault(name, "must be an id, as a number or text")
        return value or None

    def id(self, name: str) -> str:
        return self._required(name, self.maybe_id(name))

    def maybe_amount(self, name: str) -> Decimal | None:
        """A decimal number with the source's digits, written as a number or as text."""
        value = self._members.get(name)
        if value is None or value == "":
            return None
        written = value.text if isinstance(value, Number) else value
        if not isinstance(written, str) or not _DECIMAL.fullmatch(written):
            raise self.fault(name, "must be a decimal number of at most 13 digits and 8 decimals")
        return Decimal(written)

    def amount(self, name: str) -> Decimal:
        return self._required(name, self.maybe_amount(name))

    def maybe_utc(self, name: str) -> str | None:
        """A naive time that is in UTC, such as `2026-11-22T10:15:30`, as RFC 3339."""
        value = self.maybe_text(name)
        if value is not None and not _NAIVE.fullmatch(value):
            raise self.fault(name, "must be a time such as 2026-11-22T10:15:30, in UTC")
        return value and f"{value.replace(' ', 'T')}Z"

    def utc(self, name: str) -> str:
        """A naive time that is in UTC, as RFC 3339."""
        return self._required(name, self.maybe_utc(name))

    def unix(self, name: str) -> str:
        """Unix seconds as RFC 3339."""
        value = self._members.get(name)
        if not isinstance(value, Number) or not _WHOLE.fullmatch(value.text):
            raise self.fault(name, "must be a Unix time in whole seconds")
        try:
            return datetime.fromtimestamp(int(value.text), UTC).isoformat().replace("+00:00", "Z")
        except (OverflowError, ValueError, OSError):
            raise self.fault(name, "must be a Unix time in whole seconds") from None

    def flag(self, name: str) -> bool:
        """A boolean; absent is False."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.fault(name, "must be true or false")
        return bool(value)

    def object(self, name: str) -> "Payload | None":
        """The member as a payload; None where it is absent."""
        value = self._members.get(name)
        return None if value is None else Payload(value, self.fault(name, "").field)

    def objects(self, name: str) -> list["Payload"]:
        """The members of a list of objects; absent is empty."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, list):
            raise self.fault(name, "must be a list")
        path = self.fault(name, "").field
        return [Payload(one, f"{path}[{i}]") for i, one in enumerate(value or ())]

    def maybe_whole(self, name: str) -> Decimal | None:
        """A whole number of a currency's minor unit; may be negative."""
        value = self.maybe_amount(name)
        if value is not None and value != value.to_integral_value():
            raise self.fault(name, "must be a whole number")
        return value

    def whole(self, name: str) -> Decimal:
        """A whole number of a currency's minor unit; may be negative."""
        return self._required(name, self.maybe_whole(name))

    def _required(self, name: str, value: _T | None) -> _T:
        if value is None:
            raise self.fault(name, "is missing")
        return value
