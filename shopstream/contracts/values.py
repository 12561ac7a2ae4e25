"""Scalar rules: each takes a parsed JSON value and returns the typed one, or raises `Invalid` with the rule."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from shopstream.contracts.currencies import CURRENCIES
from shopstream.contracts.json_text import Number
from shopstream.contracts.zones import offset_name, timezones

MONEY_LIMIT = Decimal(10) ** 12
CENT_OF_CENT = Decimal("0.0001")
QUANTITY_LIMIT = 2**31
REVISION_LIMIT = 2**32
IDENTIFIER_LENGTH = 128
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2101, 1, 1, tzinfo=UTC)
"""Exclusive; both bounds hold for the instant in UTC."""

Check = Callable[[object], object]

_WHOLE = re.compile(r"-?\d{1,20}", re.ASCII)
_DECIMAL_TEXT = re.compile(r"\d+(?:\.\d+)?", re.ASCII), re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_PLAIN_DECIMAL = re.compile(r"\d{1,9}(?:\.\d{1,4})?", re.ASCII)
"""Keeps every bound here, so that most numbers need no other question."""
_MINUS = "", " and a minus in front"
_IN_SIZE = "", " in size"
"""Not signed, signed."""
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_PLAIN_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.(?:\d{3}|\d{6}))?Z", re.ASCII)
"""What Python reads by itself, and most producers write."""


class Invalid(ValueError):
    """The value breaks its rule; `str()` is the rule, to stand behind the name of the field. `at`: the path from the
    field to what breaks it, such as `[2].quantity`."""

    def __init__(self, rule: str, at: str = "") -> None:
        super().__init__(rule)
        self.at = at


def text(value: object) -> str:
    """Any text, the empty one too."""
    if not isinstance(value, str):
        raise Invalid("must be text")
    return value


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Invalid("must be true or false")
    return value


def attribute(value: object) -> str:
    """A CloudEvents text attribute: no control characters (CloudEvents 1.0, type system)."""
    if not (isinstance(value, str) and value):
        raise Invalid("must be text that is not empty")
    if CONTROL.search(value):
        raise Invalid("must not have control characters")
    return value


def identifier(value: object) -> str:
    """1 to 128 characters without control characters."""
    if not isinstance(value, str) or not 1 <= len(value) <= IDENTIFIER_LENGTH:
        raise Invalid(f"must be text of 1 to {IDENTIFIER_LENGTH} characters")
    if CONTROL.search(value):
        raise Invalid("must not have control characters")
    return value


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `low` to `high`, both included, written without fraction or exponent."""

    low: int
    high: int

    def __call__(self, value: object) -> int:
        if not isinstance(value, Number) or not _WHOLE.fullmatch(value.text):
            raise Invalid("must be a whole number, written without fraction or exponent")
        number = int(value.text)
        if not self.low <= number <= self.high:
            raise Invalid(f"must be from {self.low} to {self.high}")
        return number


@dataclass(frozen=True, slots=True)
class Quantity:
    """Units, below 2^31 in size with at most 4 decimals, exact; scale 4. Not negative unless `signed`, and 0 only
    where `zero`."""

    signed: bool = False
    zero: bool = False

    def __call__(self, value: object) -> Decimal:
        number = _decimal(value, "2^31", QUANTITY_LIMIT, signed=self.signed)
        if not self.zero and number == 0:
            raise Invalid("must be above 0")
        return number


QUANTITY = Quantity()
"""Units that are bought."""
LEVEL = Quantity(signed=True, zero=True)
"""Units on hand; more may be promised than there are."""
PART = Quantity(zero=True)
"""Units of a line that came back."""
COUNT = Whole(0, QUANTITY_LIMIT - 1)


def money(value: object) -> Decimal:
    """0 <= amount < 10^12 with at most 4 decimals, exact; scale 4."""
    return _decimal(value, "10^12", MONEY_LIMIT)


def amount(value: object) -> Decimal:
    """As `money`, or below 0: what a line adds to its order."""
    return _decimal(value, "10^12", MONEY_LIMIT, signed=True)


def _decimal(value: object, bound: str, limit: Decimal | int, *, signed: bool = False) -> Decimal:
    """A number below a limit in size, `bound` in words."""
    if not isinstance(value, (str, Number)):
        raise Invalid("must be a number or text")
    written = value if isinstance(value, str) else value.text
    if _PLAIN_DECIMAL.fullmatch(written):
        return Decimal(written).quantize(CENT_OF_CENT)
    if isinstance(value, str) and not _DECIMAL_TEXT[signed].fullmatch(value):
        raise Invalid(f"as text must be digits, at most with a point{_MINUS[signed]}")
    try:
        number = Decimal(written)
    except InvalidOperation:
        raise Invalid(f"must be below {bound} with at most 4 decimals") from None
    if number < 0 and not signed:
        raise Invalid("must not be negative")
    if not -limit < number < limit:
        raise Invalid(f"must be below {bound}{_IN_SIZE[signed]}")
    rounded = number.quantize(CENT_OF_CENT)
    if rounded != number:
        raise Invalid("must have at most 4 decimals")
    return rounded if rounded else abs(rounded)


def currency(value: object) -> str:
    """A code of ISO 4217, present or withdrawn since 1999."""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise Invalid("must be three capital letters (ISO 4217)")
    if value not in CURRENCIES:
        raise Invalid("must be a currency code of ISO 4217, present or withdrawn since 1999")
    return value


def time(value: object) -> datetime:
    """RFC 3339 with an offset, to the microsecond (the rest is cut), in UTC, years 2000 to 2100."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise Invalid("must be an RFC 3339 time with an offset, such as 2026-11-22T10:15:30.123Z")
    try:
        instant = _instant(match)
    except (ValueError, OverflowError):
        raise Invalid("must be a time that exists (RFC 3339)") from None
    if not EARLIEST <= instant < LATEST:
        raise Invalid("must be in the years 2000 to 2100")
    return instant


def _instant(match: re.Match[str]) -> datetime:
    if _PLAIN_TIME.fullmatch(match[0]):
        return datetime.fromisoformat(match[0])
    date, clock, fraction, sign, hours, minutes = match.groups()
    local = datetime.fromisoformat(f"{date}T{clock}+00:00")
    local = local.replace(microsecond=int((fraction or "0")[:6].ljust(6, "0")))
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return local + offset if sign == "-" else local - offset


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a closed set of texts."""

    options: tuple[str, ...]

    def __call__(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.options:
            raise Invalid(f"must be one of {', '.join(self.options)}")
        return value


def timezone(value: object) -> str:
    """A name of the IANA time zone database, or an offset from UTC, which gets its one name, such as +05:30."""
    if isinstance(value, str):
        if value in timezones():
            return value
        if name := offset_name(value):
            return name
    raise Invalid(
        "must be an IANA time zone, such as Europe/Berlin, or an offset of quarter hours from -12:00 to +14:00"
    )
