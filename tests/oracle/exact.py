"""Arithmetic that never rounds on its way."""

from collections.abc import Iterable
from decimal import Context, Decimal
from fractions import Fraction

_EXACT = Context(prec=80)


def total(amounts: Iterable[Decimal]) -> Decimal:
    found = Decimal(0)
    for amount in amounts:
        found = _EXACT.add(found, amount)
    return found


def times(count: Decimal | int, price: Decimal) -> Decimal:
    return _EXACT.multiply(count, price)


def difference(one: Decimal, other: Decimal) -> Decimal:
    return _EXACT.subtract(one, other)


def half_even(
    amount: Decimal | Fraction | int, count: Decimal | Fraction | int, places: int
) -> Decimal:
    """amount / count, rounded from the exact fraction."""
    shifted = round(Fraction(amount) / Fraction(count) * 10**places)  # to even, for a Fraction
    return _EXACT.scaleb(Decimal(shifted), -places)


def average(amount: Decimal | int, count: int, places: int = 2) -> Decimal | None:
    """None of nothing."""
    return half_even(amount, count, places) if count else None
