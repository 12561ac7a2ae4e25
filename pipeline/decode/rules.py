"""The contract's rules vectorized: each marks the values that are not surely right.

A marked value is not yet wrong: its record is read again by `contracts.events`. So a vectorized rule may be stricter
than the contract's, never more lenient. A null is not at fault here.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.decode import shape
from pipeline.decode.text import Mask
from shopstream.contracts import order, values
from shopstream.contracts.currencies import CURRENCIES
from shopstream.contracts.schema import Many, Relation, Shape
from shopstream.contracts.zones import timezones

Members = Mapping[str, pa.Array]

_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$"
_NEVER = pa.scalar(-1, shape.INSTANT)
_FIRST = int(values.EARLIEST.timestamp() * 1_000_000)
_END = int(values.LATEST.timestamp() * 1_000_000)
_NOTHING = pa.scalar(0, shape.MONEY)
_LIMIT = pa.scalar(values.MONEY_LIMIT, shape.MONEY)
_SURELY_BELOW_LIMIT = float(values.MONEY_LIMIT) / 10


def as_it_is(column: pa.Array) -> pa.Array:
    """The column itself: what Arrow reads is what the row holds."""
    return column


class VectorizedRule(NamedTuple):
    """`json` is what Arrow reads, `typed` what the row holds, `needs_recheck` marks typed values that may
    break the rule.
    """

    json: pa.DataType
    needs_recheck: Callable[[pa.Array], Mask]
    typed: Callable[[pa.Array], pa.Array] = as_it_is


def vectorized(rule: object) -> VectorizedRule:
    """The vectorized form of a scalar rule.

    Raises:
        NotImplementedError: where it has none yet.
    """
    if isinstance(rule, (Shape, Many)):
        raise NotImplementedError(f"{rule!r} has no vectorized rule")
    return _vectorized(rule)


@cache  # asked for each field of each chunk
def _vectorized(rule: object) -> VectorizedRule:
    if isinstance(rule, values.Whole):
        return VectorizedRule(pa.int64(), partial(_beyond, rule.low, rule.high))
    if isinstance(rule, values.OneOf):
        return VectorizedRule(pa.string(), partial(_none_of, rule.options))
    if rule not in _VECTORIZED:
        raise NotImplementedError(f"{rule!r} has no vectorized rule")
    return _VECTORIZED[rule]


def related(relation: Relation) -> Callable[[pa.Array, Members], Mask]:
    """The vectorized form of a relation: it is given the typed column and its siblings.

    Raises:
        NotImplementedError: where it has none yet.
    """
    if relation not in _RELATED:
        raise NotImplementedError(f"{relation!r} has no vectorized rule")
    return _RELATED[relation]


def absent(column: pa.Array) -> Mask:
    """Which values are null."""
    return np.asarray(column.is_null())


def true(column: pa.Array) -> Mask:
    """A boolean column as a mask; a null counts as False."""
    return np.asarray(pc.fill_null(column, False))


def members(objects: pa.StructArray) -> Members:
    """The columns of the members; null where the object is."""
    return dict(zip(objects.type.names, objects.flatten(), strict=True))


def _nothing(column: pa.Array) -> Mask:
    return np.zeros(len(column), np.bool_)


def _attribute(column: pa.Array) -> Mask:
    return true(pc.less(pc.binary_length(column), 1)) | _control(column)


def _identifier(column: pa.Array) -> Mask:
    length = pc.binary_length(column)
    bad = pc.or_(pc.less(length, 1), pc.greater(length, values.IDENTIFIER_LENGTH))
    return true(bad) | _control(column)


def _control(column: pa.Array) -> Mask:
    """U+0000 to U+001F and U+007F to U+009F; looked for row by row only where a byte could be one."""
    data = np.frombuffer(column.buffers()[2] or b"", np.uint8)
    if not ((data < 0x20) | (data == 0x7F) | (data == 0xC2)).any():
        return _nothing(column)
    return true(pc.match_substring_regex(column, r"[\x00-\x1f\x7f-\x{9f}]"))


def _beyond(low: int, high: int, column: pa.Array) -> Mask:
    return true(pc.or_(pc.less(column, low), pc.greater(column, high)))


def _none_of(options: tuple[str, ...], column: pa.Array) -> Mask:
    return ~(true(pc.is_in(column, _set(options))) | absent(column))


@cache
def _set(options: tuple[str, ...]) -> pa.Array:
    return pa.array(options, pa.string())


def _timezone(column: pa.Array) -> Mask:
    # an offset in another form than its name is read again, and gets the name there
    return _none_of(_timezones(), column)


@cache
def _timezones() -> tuple[str, ...]:
    return tuple(timezones())


def _money(column: pa.Array) -> Mask:
    return true(pc.or_(pc.less(column, _NOTHING), pc.greater_equal(column, _LIMIT)))


def _instant(column: pa.Array) -> pa.Array:
    """Microseconds in UTC; null stays null, and what is not surely RFC 3339 becomes `_NEVER`."""
    sure = pc.if_else(pc.match_substring_regex(column, _TIME), column, None)
    nanos = sure.cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
    kept = pc.divide(nanos, 1000).cast(shape.INSTANT)
    return pc.if_else(pc.or_(pc.is_valid(sure), pc.is_null(column)), kept, _NEVER)


def _no_time(instant: pa.Array) -> Mask:
    micros = instant.cast(pa.int64())
    return true(pc.or_(pc.less(micros, _FIRST), pc.greater_equal(micros, _END)))


def _above_quantity(refunded: pa.Array, item: Members) -> Mask:
    return true(pc.greater(refunded, item["quantity"]))


def _sum_near_limit(items: pa.ListArray, _: Members) -> Mask:
    """In binary floating point, far below the limit."""
    item = members(items.values)
    price = np.asarray(pc.fill_null(item["unitPrice"].cast(pa.float64()), 0))
    lines = price * np.asarray(pc.fill_null(item["quantity"], 0))
    sums = np.bincount(pc.list_parent_indices(items), weights=lines, minlength=len(items))
    mask: Mask = sums > _SURELY_BELOW_LIMIT
    return mask


_VECTORIZED: Mapping[object, VectorizedRule] = {
    values.text: VectorizedRule(pa.string(), _nothing),
    values.flag: VectorizedRule(pa.bool_(), _nothing),
    values.attribute: VectorizedRule(pa.string(), _attribute),
    values.identifier: VectorizedRule(pa.string(), _identifier),
    values.currency: VectorizedRule(pa.string(), partial(_none_of, tuple(CURRENCIES))),
    values.timezone: VectorizedRule(pa.string(), _timezone),
    values.time: VectorizedRule(pa.string(), _no_time, _instant),
    values.money: VectorizedRule(shape.MONEY, _money),
}
_RELATED: Mapping[Relation, Callable[[pa.Array, Members], Mask]] = {
    order.at_most_quantity: _above_quantity,
    order.sums_below_limit: _sum_near_limit,
}
