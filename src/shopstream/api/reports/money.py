"""Exact sums and averages, and money on its way into JSON."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

import orjson

from shopstream.contracts.notices import plain

_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)
"""A sum has at most 38 digits, an average 4 decimals less and 2 more."""
ZERO = Decimal(0)


def add(one: Decimal, other: Decimal) -> Decimal:
    """The exact sum."""
    return _EXACT.add(one, other)


def average(amount: Decimal, count: int, decimals: int = 2) -> Decimal | None:
    """`amount / count` rounded half-even; None without a count."""
    if not count:
        return None
    return _EXACT.quantize(_EXACT.divide(amount, Decimal(count)), Decimal(1).scaleb(-decimals))


def number(amount: Decimal | None) -> orjson.Fragment | None:
    """A JSON number with exactly the digits of the amount."""
    return None if amount is None else orjson.Fragment(plain(amount))
