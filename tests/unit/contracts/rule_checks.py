"""What a rule of the contract means for a field of any event, as values that are taken and values that are not."""

from typing import Any

from contract_samples import GONE, number
from event_samples import refused_data

CONTROL = ["\0", "\n", "\x1f", "\x7f", "\x80", "\x9f"]
_DECIMALS: list[Any] = ["0.5", "007", "1.50000", "2147483647.9999"]
_DECIMALS += [number(n) for n in ("1.0", "1.5", "1e2", "25E-1", "0.0001", "2147483647.9999")]
TAKEN: dict[str, list[Any]] = {
    "identifier": ["a", " ", "é" * 128, "😀" * 128],
    "text": ["", "\0 a\nb \x85 😀", "x" * 1000],
    "money": [
        number("0"),
        number("0.0001"),
        number("1e2"),
        number("12.34000"),
        "007",
        "0" * 20 + "1",
        "1." + "0" * 20,
        "12.3400",
        "999999999999.9999",
        number("999999999999.9999"),
    ],
    "currency": ["EUR", "JPY", "CLF", "HRK", "DEM", "XXX"],
    "time": ["2000-01-01T00:00:00Z", "2100-12-31T23:59:59.9999999Z", "1999-12-31T23:30:00-01:00"],
    "timezone": [
        *("Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+12", "GMT-0", "Z"),
        *("+05:30", "-03:00", "UTC+5:30", "UTC-3", "GMT+2", "+14:00", "-12:00", "+0545", "-00:00"),
    ],
    "quantity": [number("1"), number("2147483647"), *_DECIMALS],
    "level": [number("-2147483647"), number("-1"), number("-0"), number("0"), "-0.5", *_DECIMALS],
    "count": [number("0"), number("-0"), number("2147483647")],
    "status_map": [{}, {"on-hold": "pending"}, {str(n): "paid" for n in range(100)}],
    "counted_statuses": [["paid"], ["refunded", "pending"], ["paid", "paid"]],
}
_NO_TEXT: list[Any] = [number("1"), True, False, [], {}]
_NO_WHOLE: list[Any] = ["1", "", True, False, [], {}]
_NO_WHOLE += [number(n) for n in ("1.0", "1.5", "1e2", "2147483648", "9" * 30)]
_NO_DECIMAL: list[Any] = ["", "1e2", "+1", "1.", ".5", "1.00001", "2147483648", True, False, [], {}]
_NO_DECIMAL += [number(n) for n in ("0.00001", "2147483648", "1e400", "9" * 30)]
LEFT: dict[str, list[Any]] = {
    "identifier": ["", "é" * 129, *CONTROL, "a\n", *_NO_TEXT],
    "text": _NO_TEXT,
    "money": ["", "-1", "1e2", "1.", ".5", "1.00001", "1000000000000", "1\n", " 1", True, [], {}]
    + [number(n) for n in ("-1", "-0.0001", "0.00001", "1e12", "1000000000000", "-1e-9")],
    "currency": ["", "eur", "EU", "EURO", "EUR\n", "EUX", "AAA", "CSK", *_NO_TEXT],
    "time": [
        "",
        "2026-11-22",
        "2026-11-22T10:15:30",
        "2026-11-22 10:15:30Z",
        "yesterday",
        "1999-12-31T23:59:59Z",
        "2101-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2101-01-02T00:00:00Z",
        "1999-12-30T23:59:59-01:00",
        "2026-13-01T00:00:00Z",
        "2026-11-32T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T23:60:00Z",
        "2026-11-22T23:59:60Z",
        "2026-11-22T10:15:30+24:00",
        "2026-11-22T10:15:30Z\n",
        number("1764000000"),
        True,
        [],
        {},
    ],
    "timezone": [
        *("", "Berlin", "europe/berlin", "CET+1", "../UTC", "+14:15", "-12:15", "+05:20", "+530"),
        *("UTC +5", "utc+5", "UTC+5:3", "+05:30\n", "+05:60", "5", "Z+1", *_NO_TEXT),
    ],
    "quantity": [number("0"), number("-0"), number("-1"), "0", "-1", *_NO_DECIMAL],
    "level": [number("-2147483648"), "--1", *_NO_DECIMAL],
    "count": [number("-1"), *_NO_WHOLE],
    "status_map": [
        *({"paid": "pending"}, {"x": "done"}, {"x": None}, {"": "paid"}, {"a\n": "paid"}),
        *({str(n): "paid" for n in range(101)}, {"x": ["paid"]}, [], "x", number("1"), True),
    ],
    "counted_statuses": [
        *([], ["cancelled"], ["failed"], ["done"], ["paid", None], [["paid"]], [{}]),
        *({}, "paid", number("1"), True),
    ],
}


def check_required(kind: str, *names: str) -> None:
    """Absent and null are both missing."""
    for name in names:
        for value in (GONE, None):
            told = refused_data(kind, **{name: value})
            assert told == ("missing_field", f"data.{name}"), (kind, name, value)


def check_optional(kind: str, *names: str) -> None:
    """Absent and null are both fine."""
    for name in names:
        for value in (GONE, None):
            assert refused_data(kind, **{name: value}) is None, (kind, name, value)


def check_rule(kind: str, name: str, rule: str) -> None:
    """A field takes what its rule takes and no more."""
    for value in TAKEN[rule]:
        assert refused_data(kind, **{name: value}) is None, (kind, name, value)
    for value in LEFT[rule]:
        told = refused_data(kind, **{name: value})
        assert told == ("bad_value", f"data.{name}"), (kind, name, value)
