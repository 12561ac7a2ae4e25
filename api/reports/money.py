"""Exact sums and averages, columns of whole numbers, and money on its way into JSON. Pure."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache, reduce
from itertools import accumulate, repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from shopstream.contracts.notices import plain

_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)
"""A sum has at most 38 digits, an average 4 decimals less and 2 more. What does not end after 100 digits is no tie."""
ZERO = Decimal(0)
Column = npt.NDArray[Any]
"""Whole numbers: 64 bits each where they and their sums fit, Python's own numbers beyond."""
_SAFE = 2.0**62


def add(one: Decimal, other: Decimal) -> Decimal:
    """The exact sum."""
    return _EXACT.add(one, other)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum of all."""
    return reduce(_EXACT.add, amounts, ZERO)


def difference(one: Decimal, other: Decimal) -> Decimal:
    """`one - other`, exact."""
    return _EXACT.subtract(one, other)


def average(amount: Decimal, count: int, decimals: int = 2) -> Decimal | None:
    """`amount / count` rounded half-even; None without a count."""
    return ratio(amount, Decimal(count), decimals) if count else None


def moving_averages(amounts: Iterable[Decimal], window: int, decimals: int = 2) -> list[Decimal]:
    """Of each `window` amounts in a row, rounded as `average`; each is the difference of two running sums."""
    sums = list(accumulate(amounts, _EXACT.add, initial=ZERO))
    windows = map(_EXACT.subtract, sums[window:], sums)
    averages = map(_EXACT.divide, windows, repeat(Decimal(window)))
    return list(map(_EXACT.quantize, averages, repeat(_step(decimals))))


def ratio(amount: Decimal, whole: Decimal, decimals: int = 4) -> Decimal:
    """`amount / whole` rounded half-even."""
    return _EXACT.quantize(_EXACT.divide(amount, whole), _step(decimals))


def number(amount: Decimal | None) -> orjson.Fragment | None:
    """A JSON number with exactly the digits of the amount."""
    if amount is None:
        return None
    text = str(amount)
    # most amounts are plain as they stand, and this is the faster way
    return orjson.Fragment(plain(amount) if text[-1] == "0" or "E" in text else text)


def wide(low: Column, high: Column) -> Column:
    """Numbers of 128 bits from their halves: unsigned 64 bits below, signed above."""
    short = np.ascontiguousarray(low).view(np.int64)
    if np.array_equal(high, short >> 63):
        return short
    long: Column = high.astype(object) * 2**64 + low.astype(object)
    return long


def summable(column: Column) -> Column:
    """The same numbers, so that no sum of some of them is beyond what they can hold."""
    return column.astype(object) if np.abs(column.astype(np.float64)).sum() > _SAFE else column


def from_units(units: int) -> Decimal:
    """The exact amount of so many units of 1/10000; whole hundredths as such, which is the shorter text."""
    if not units:
        return ZERO
    hundredths, rest = divmod(units, 100)
    return Decimal(units).scaleb(-4, _EXACT) if rest else Decimal(hundredths).scaleb(-2, _EXACT)


@cache
def _step(decimals: int) -> Decimal:
    """The smallest amount with so many decimals."""
    return Decimal(1).scaleb(-decimals)
