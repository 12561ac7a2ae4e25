"""Exact sums and averages, and money on its way into JSON."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

import orjson

from shopstream.contracts.notices import plain

_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)
"""A sum has at most 38 digits, an average 4 decimals less and 2 more. What does not end after 100 digits is no tie."""
ZERO = Decimal(0)


def add(one: Decimal, other: Decimal) -> Decimal:
    """The exact sum."""
    return _EXACT.add(one, other)


def difference(one: Decimal, other: Decimal) -> Decimal:
    """`one - other`, exact."""
    return _EXACT.subtract(one, other)


def average(amount: Decimal, count: int, decimals: int = 2) -> Decimal | None:
    """`amount / count` rounded half-even; None without a count."""
    return ratio(amount, Decimal(count), decimals) if count else None


def ratio(amount: Decimal, whole: Decimal, decimals: int = 4) -> Decimal:
    """`amount / whole` rounded half-even."""
    return _EXACT.quantize(_EXACT.divide(amount, whole), Decimal(1).scaleb(-decimals))


def number(amount: Decimal | None) -> orjson.Fragment | None:
    """A JSON number with exactly the digits of the amount."""
    return None if amount is None else orjson.Fragment(plain(amount))
