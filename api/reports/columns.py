"""Columns of whole numbers: 64 bits each where they and their sums fit, Python's own numbers beyond. Pure."""

from decimal import Context, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[Any]
_SAFE = 2.0**62
_EXACT = Context(prec=60)


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


def money(units: int) -> Decimal:
    """Of 1/10000, exact."""
    return Decimal(units).scaleb(-4, _EXACT)
