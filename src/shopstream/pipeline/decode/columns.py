"""The fast path: many order events to Arrow columns at once, with a mark on each row that is not surely right.

A marked row is not yet wrong: it is read again by `contracts.events`, which decides and names the fault.
So every rule here may be stricter than the contract's, never more lenient.

Why a row is one record: every record begins with `{` and ends with `}` (`looks_whole`). One that were left
open would be followed by the `{` of the next without a comma, or by a raw newline within a text: errors both.
So no record gives less than one row, and where there are as many rows as records each gives exactly one.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from shopstream.contracts.json_text import MAX_BYTES, too_deep
from shopstream.contracts.order import MAX_ITEMS, STATUSES
from shopstream.contracts.topics import BY_NAME, ORDERS
from shopstream.contracts.values import (
    EARLIEST,
    IDENTIFIER_LENGTH,
    LATEST,
    MONEY_LIMIT,
    QUANTITY_LIMIT,
    REVISION_LIMIT,
)
from shopstream.pipeline.decode import shape

Mask = npt.NDArray[np.bool_]

_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$"
# Money as text must be digits, at most with a point; Arrow reads signs and exponents too. A key may hide
# behind escapes.
_ODD_MONEY = (
    r'"(total|refundedTotal|unitPrice)"\s*:\s*"(\.|"|[^"]*[^0-9."]|[^"]*\.")'
    r'|\\u00[0-7][0-9a-fA-F][^"]*"\s*:'
)
# Arrow reads them as numbers, also in fields that it then leaves out.
_NOT_NUMBERS = r"[:,\[]\s*-?(NaN|Inf)"
_NEVER = pa.scalar(-1, shape.INSTANT)
_TYPES = pa.array(BY_NAME[ORDERS].types)
_STATUSES = pa.array(STATUSES)
_FIRST = int(EARLIEST.timestamp() * 1_000_000)
_END = int(LATEST.timestamp() * 1_000_000)
_SURELY_BELOW_LIMIT = float(MONEY_LIMIT) / 10


def looks_whole(value: bytes | None) -> bool:
    """Whether a record may go through `parse`."""
    return (
        value is not None
        and 2 <= len(value) <= MAX_BYTES
        and value[0] == 0x7B
        and value[-1] == 0x7D
        and _is_utf8(value)
        and not too_deep(value)
    )


def _is_utf8(value: bytes) -> bool:
    """Arrow does not look."""
    if value.isascii():
        return True
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def parse(values: pa.Array) -> tuple[pa.Table, pa.Table, Mask] | None:
    """Order rows, (type, user_id) rows, and True for each row that must be read again.

    `values`: binary array of records that look whole. None where they cannot be read as columns.
    """
    text = b"\n".join(values.to_pylist())
    options = pj.ReadOptions(use_threads=False, block_size=max(len(text) + 1, 1024))
    rules = pj.ParseOptions(
        explicit_schema=shape.JSON, newlines_in_values=True, unexpected_field_behavior="ignore"
    )
    try:
        table = pj.read_json(pa.BufferReader(text), options, rules)
        if table.num_rows != len(values):
            return None
        return _columns(table.combine_chunks(), values)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _columns(table: pa.Table, values: pa.Array) -> tuple[pa.Table, pa.Table, Mask] | None:
    top = {name: _single(table[name]) for name in shape.JSON.names}
    data = dict(zip(shape.JSON.field("data").type.names, top["data"].flatten(), strict=True))
    items = data["items"]
    if items.values.null_count:
        return None
    item = {field.name: items.values.field(field.name) for field in items.type.value_type}
    created, updated = _instant(data["createdAt"]), _instant(data["updatedAt"])
    bad = _true(pc.match_substring_regex(values, f"{_ODD_MONEY}|{_NOT_NUMBERS}"))
    bad |= _envelope(top) | _order(data) | _items(items, item, data)
    bad |= _outside(created) | _outside(updated) | _outside(_instant(top["time"]))
    rows = [
        top["shopid"],
        data["orderId"],
        top["id"],
        top["source"],
        created,
        _day(created),
        updated,
        pc.fill_null(data["revision"], 0).cast(pa.uint32(), safe=False),
        data["status"],
        data["currency"],
        data["customerId"],
        data["total"],
        data["refundedTotal"],
        *_lists(items, item),
    ]
    kinds = pa.table({"type": top["type"], "user_id": top["userid"]})
    return pa.Table.from_arrays(rows, schema=shape.ORDERS), kinds, bad


def _single(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _true(column: pa.Array) -> Mask:
    """A null counts as False."""
    return np.asarray(pc.fill_null(column, False))


def _instant(column: pa.Array) -> pa.Array:
    """Microseconds in UTC; null stays null, and what is not surely RFC 3339 becomes `_NEVER`."""
    sure = pc.if_else(pc.match_substring_regex(column, _TIME), column, None)
    nanos = sure.cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
    kept = pc.divide(nanos, 1000).cast(shape.INSTANT)
    return pc.if_else(pc.or_(pc.is_valid(sure), pc.is_null(column)), kept, _NEVER)


def _outside(instant: pa.Array) -> Mask:
    micros = instant.cast(pa.int64())
    return _true(pc.or_(pc.less(micros, _FIRST), pc.greater_equal(micros, _END)))


def _day(instant: pa.Array) -> pa.Array:
    return instant.cast(pa.timestamp("us")).cast(pa.date32(), safe=False)


def _absent(column: pa.Array) -> Mask:
    return np.asarray(column.is_null())


def _not_identifier(column: pa.Array) -> Mask:
    """Null is not at fault here."""
    length = pc.binary_length(column)
    bad = _true(pc.or_(pc.less(length, 1), pc.greater(length, IDENTIFIER_LENGTH)))
    return bad | _control(column)


def _control(column: pa.Array) -> Mask:
    """U+0000 to U+001F and U+007F to U+009F; looked for row by row only where a byte could be one."""
    data = np.frombuffer(column.buffers()[2] or b"", np.uint8)
    if not ((data < 0x20) | (data == 0x7F) | (data == 0xC2)).any():
        return np.zeros(len(column), np.bool_)
    return _true(pc.match_substring_regex(column, r"[\x00-\x1f\x7f-\x{9f}]"))


def _envelope(top: dict[str, pa.Array]) -> Mask:
    bad = ~_true(pc.equal(top["specversion"], "1.0"))
    bad |= ~_true(pc.is_in(top["type"], _TYPES))
    for name in ("id", "shopid", "source"):
        bad |= _absent(top[name])
    for name in ("id", "shopid", "userid"):
        bad |= _not_identifier(top[name])
    return bad | _control(top["source"]) | _true(pc.less(pc.binary_length(top["source"]), 1))


def _order(data: dict[str, pa.Array]) -> Mask:
    bad = ~_true(pc.is_in(data["status"], _STATUSES))
    bad |= ~_true(pc.match_substring_regex(data["currency"], "^[A-Z]{3}$"))
    for name in ("orderId", "createdAt", "updatedAt"):
        bad |= _absent(data[name])
    for name in ("orderId", "customerId"):
        bad |= _not_identifier(data[name])
    for name in ("total", "refundedTotal"):
        bad |= _not_money(data[name])
    return bad | _beyond(data["revision"], 0, REVISION_LIMIT - 1)


def _not_money(column: pa.Array) -> Mask:
    zero, limit = pa.scalar(0, shape.MONEY), pa.scalar(MONEY_LIMIT, shape.MONEY)
    return _true(pc.or_(pc.less(column, zero), pc.greater_equal(column, limit)))


def _beyond(column: pa.Array, low: int, high: int) -> Mask:
    return _true(pc.or_(pc.less(column, low), pc.greater(column, high)))


def _items(items: pa.ListArray, item: dict[str, pa.Array], data: dict[str, pa.Array]) -> Mask:
    lengths = np.asarray(pc.fill_null(pc.list_value_length(items), 0))
    empty: Mask = (lengths < 1) | (lengths > MAX_ITEMS)
    bad = _absent(item["productId"]) | _absent(item["quantity"]) | _absent(item["unitPrice"])
    bad |= _not_identifier(item["productId"]) | _not_money(item["unitPrice"])
    bad |= _beyond(item["quantity"], 1, QUANTITY_LIMIT - 1)
    bad |= _true(pc.less(item["refundedQuantity"], 0))
    bad |= _true(pc.greater(item["refundedQuantity"], item["quantity"]))
    parents = np.asarray(pc.list_parent_indices(items))
    empty[parents[bad]] = True
    price = np.asarray(pc.fill_null(item["unitPrice"].cast(pa.float64()), 0))
    lines = price * np.asarray(pc.fill_null(item["quantity"], 0))
    sums = np.bincount(parents, weights=lines, minlength=len(items))
    return empty | (sums > _SURELY_BELOW_LIMIT)


def _lists(items: pa.ListArray, item: dict[str, pa.Array]) -> list[pa.Array]:
    refunded = pc.fill_null(item["refundedQuantity"], 0).cast(pa.uint32(), safe=False)
    quantity = item["quantity"].cast(pa.uint32(), safe=False)
    columns: list[Any] = [item["productId"], item["name"], quantity, refunded, item["unitPrice"]]
    return [pa.ListArray.from_arrays(items.offsets, column) for column in columns]
