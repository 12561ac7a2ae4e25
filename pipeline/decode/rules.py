"""The contract's rules vectorized: each marks the values that are not surely right.

A marked value is not yet wrong: its record is read again by `contracts.events`. So a vectorized rule may be stricter
than the contract's, never more lenient. A null is not at fault here.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.decode import shape
from pipeline.decode.text import Mask
from shopstream.contracts import order, values
from shopstream.contracts.currencies import CURRENCIES
from shopstream.contracts.schema import Many, Relation, Shape
from shopstream.contracts.zones import timezones

Members = Mapping[str, pa.Array]
Floats = npt.NDArray[np.float64]

_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$"
_NEVER = pa.scalar(-1, shape.INSTANT)
_FIRST = int(values.EARLIEST.timestamp() * 1_000_000)
_END = int(values.LATEST.timestamp() * 1_000_000)
_NOTHING = pa.scalar(0, shape.MONEY)
_LIMIT = pa.scalar(values.MONEY_LIMIT, shape.MONEY)
_QUANTITY_LIMIT = pa.scalar(values.QUANTITY_LIMIT, shape.MONEY)
_SURELY_BELOW_LIMIT = float(values.MONEY_LIMIT) / 10
_SURELY_NOT_NEGATIVE = 0.01


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
    if isinstance(rule, values.Quantity):
        return VectorizedRule(shape.MONEY, partial(_no_quantity, rule))
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


def _present(column: pa.Array) -> Mask:
    """An object or a list is no text, so its block cannot be read as columns."""
    return ~absent(column)


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


def _amount(column: pa.Array) -> Mask:
    return true(pc.greater_equal(pc.abs(column), _LIMIT))


def _no_quantity(rule: values.Quantity, column: pa.Array) -> Mask:
    if rule.signed:
        return true(pc.greater_equal(pc.abs(column), _QUANTITY_LIMIT))
    low = (pc.less if rule.zero else pc.less_equal)(column, _NOTHING)
    return true(pc.or_(low, pc.greater_equal(column, _QUANTITY_LIMIT)))


def _instant(column: pa.Array) -> pa.Array:
    """Microseconds in UTC; null stays null, and what is not surely RFC 3339 becomes `_NEVER`."""
    sure = pc.if_else(pc.match_substring_regex(column, _TIME), column, None)
    nanos = sure.cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
    kept = pc.divide(nanos, 1000).cast(shape.INSTANT)
    return pc.if_else(pc.or_(pc.is_valid(sure), pc.is_null(column)), kept, _NEVER)


def _no_time(instant: pa.Array) -> Mask:
    micros = instant.cast(pa.int64())
    return true(pc.or_(pc.less(micros, _FIRST), pc.greater_equal(micros, _END)))


def _negative(quantity: pa.Array, item: Members) -> Mask:
    negative = true(pc.less(quantity, _NOTHING))
    return negative & ~true(pc.equal(item["kind"], "return")) if negative.any() else negative


def _above_quantity(refunded: pa.Array, item: Members) -> Mask:
    above = pc.greater(refunded, item["quantity"])
    return true(pc.and_(above, pc.greater(refunded, _NOTHING)))


def _amounts_unsure(items: pa.ListArray, data: Members) -> Mask:
    """In binary floating point, far within the limits: an absent total or refund that may not keep its bounds, and a
    line without units that may need a total. A member that no line has may be no column."""
    item = {name: c for name, c in members(items.values).items() if c.null_count < len(c)}
    if "unitPrice" not in item or "quantity" not in item:
        lone_empty: Mask = absent(data["total"]) | ~true(pc.equal(pc.list_value_length(items), 0))
        return lone_empty
    order, lone = np.asarray(pc.list_parent_indices(items)), absent(data["total"])
    price, units = _floats(item["unitPrice"]), _floats(item["quantity"])
    amounts, alone = price * units, np.ones(len(price), np.bool_)
    if "total" in item:
        alone = absent(item["total"])
        amounts = np.where(alone, amounts, _floats(item["total"]))
    mask = lone & ~true(pc.greater(pc.list_value_length(items), 0))
    empty = alone & (units == 0)
    if empty.any():
        mask |= lone & (np.bincount(order, weights=empty, minlength=len(items)) > 0)
    mask |= _out_of_bounds(amounts, order, len(items))
    if "refundedQuantity" in item or "refundedTotal" in item:
        mask |= _out_of_bounds(_returned(item, price, amounts, alone), order, len(items))
    return mask


def _returned(
    item: Members, price: Floats, amounts: Floats, alone: npt.NDArray[np.bool_]
) -> Floats:
    """At least what was paid back of each line; below 0 where that is a part of a negative amount."""
    back = np.zeros(len(price))
    if "refundedQuantity" in item:
        refunded = _floats(item["refundedQuantity"])
        part = np.where(amounts < 0, -1.0, amounts) * (refunded > 0)
        back = np.where(alone, price * refunded, part)
    if "refundedTotal" in item:
        given = item["refundedTotal"]
        back = np.where(absent(given), back, _floats(given))
    return back


def _floats(column: pa.Array) -> Floats:
    return np.asarray(pc.fill_null(column.cast(pa.float64()), 0))


def _out_of_bounds(amounts: Floats, order: npt.NDArray[np.int64], orders: int) -> Mask:
    sums = np.bincount(order, weights=amounts, minlength=orders)
    mask: Mask = sums > _SURELY_BELOW_LIMIT
    negative = amounts < 0
    if negative.any():
        some = np.bincount(order, weights=negative, minlength=orders) > 0
        mask |= some & (sums < _SURELY_NOT_NEGATIVE)
    return mask


def _refunds_alike(refunds: pa.ListArray, _: Members) -> Mask:
    """Orders with several refunds; one has no other."""
    if not len(refunds.values):
        return _nothing(refunds)
    return true(pc.greater(pc.list_value_length(refunds), 1))


_VECTORIZED: Mapping[object, VectorizedRule] = {
    values.text: VectorizedRule(pa.string(), _nothing),
    values.flag: VectorizedRule(pa.bool_(), _nothing),
    values.attribute: VectorizedRule(pa.string(), _attribute),
    values.identifier: VectorizedRule(pa.string(), _identifier),
    values.currency: VectorizedRule(pa.string(), partial(_none_of, tuple(CURRENCIES))),
    values.timezone: VectorizedRule(pa.string(), _timezone),
    order.status_map: VectorizedRule(pa.string(), _present),
    order.counted_statuses: VectorizedRule(pa.string(), _present),
    values.time: VectorizedRule(pa.string(), _no_time, _instant),
    values.money: VectorizedRule(shape.MONEY, _money),
    values.amount: VectorizedRule(shape.MONEY, _amount),
}
_RELATED: Mapping[Relation, Callable[[pa.Array, Members], Mask]] = {
    order.negative_where_returned: _negative,
    order.at_most_quantity: _above_quantity,
    order.amounts_known: _amounts_unsure,
    order.distinct_refunds: _refunds_alike,
}
