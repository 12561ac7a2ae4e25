"""One chunk: what is accepted as columns, what is refused with its reason. Nothing is dropped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopstream.contracts.deadletter import Record
from shopstream.contracts.events import Event, read_event
from shopstream.contracts.reject import Refusal, Refused
from shopstream.contracts.topics import ORDERS
from shopstream.pipeline.decode import columns, shape
from shopstream.pipeline.decode.rows import order_rows

SPLIT = 64
"""Records that are tried as columns together once a whole chunk could not be read."""


class KafkaRecord(Protocol):
    """What is needed of a consumer's record; `timestamp` in ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Piece:
    """`orders` and `history` have one row for each accepted record, in the same order.

    `records` counts the refused ones too; `size` is in bytes of their values.
    """

    topic: str
    partition: int
    epoch: int
    first: int
    next: int
    records: int
    size: int
    orders: pa.Table
    history: pa.Table
    refused: tuple[tuple[Record, Refusal], ...]


def decode(topic: str, partition: int, epoch: int, records: Sequence[KafkaRecord]) -> Piece:
    """Reads the records of one chunk, at least one. Pure; releases the GIL for most of its time."""
    values = [record.value for record in records]
    raw = pa.array(values, pa.binary())
    orders, kinds, accepted, refused = _sort_out(topic, values, raw)
    whole = len(accepted) == len(records)
    kept = records if whole else [records[i] for i in accepted]
    return Piece(
        topic,
        partition,
        epoch,
        first=records[0].offset,
        next=records[-1].offset + 1,
        records=len(records),
        size=pc.sum(pc.binary_length(raw)).as_py() or 0,
        orders=orders,
        history=_history(
            topic,
            partition,
            epoch,
            kept,
            orders,
            kinds,
            raw if whole else raw.take(pa.array(accepted, pa.int64())),
        ),
        refused=tuple((_record(topic, partition, records[i]), refusal) for i, refusal in refused),
    )


def _sort_out(
    topic: str, values: list[bytes | None], raw: pa.Array
) -> tuple[pa.Table, pa.Table, list[int], list[tuple[int, Refusal]]]:
    whole = [i for i, value in enumerate(values) if topic == ORDERS and columns.looks_whole(value)]
    found = list(_fast(raw, whole))
    sure = [i for indices, _, _ in found for i in indices]
    exact, refused = _slow(topic, values, sorted(set(range(len(values))) - set(sure)))
    orders = [orders for _, orders, _ in found]
    kinds = [kinds for _, _, kinds in found]
    if exact or not found:
        events = [event for _, event in exact]
        orders.append(order_rows(events))
        kinds.append(_kinds(events))
    accepted = sure + [i for i, _ in exact]
    if not exact:
        return pa.concat_tables(orders), pa.concat_tables(kinds), accepted, refused
    turn = np.argsort(accepted)
    return (
        pa.concat_tables(orders).take(turn),
        pa.concat_tables(kinds).take(turn),
        sorted(accepted),
        refused,
    )


def _fast(raw: pa.Array, indices: list[int]) -> Iterator[tuple[list[int], pa.Table, pa.Table]]:
    """(indices, order rows, kinds) of what is surely right."""
    if not indices:
        return
    parsed = columns.parse(
        raw if len(indices) == len(raw) else raw.take(pa.array(indices, pa.int64()))
    )
    if parsed is not None:
        orders, kinds, bad = parsed
        if bad.any():
            good = pa.array(~bad)
            indices = [i for i, is_bad in zip(indices, bad, strict=True) if not is_bad]
            orders, kinds = orders.filter(good), kinds.filter(good)
        yield indices, orders, kinds
    elif len(indices) > SPLIT:
        for start in range(0, len(indices), SPLIT):
            yield from _fast(raw, indices[start : start + SPLIT])


def _slow(
    topic: str, values: list[bytes | None], indices: list[int]
) -> tuple[list[tuple[int, Event]], list[tuple[int, Refusal]]]:
    events, refused = [], []
    for i in indices:
        try:
            events.append((i, read_event(values[i], topic)))
        except Refused as error:
            refused.append((i, error.refusal))
    return events, refused


def _kinds(events: Sequence[Event]) -> pa.Table:
    return pa.table(
        {
            "type": pa.array([event.type for event in events], pa.string()),
            "user_id": pa.array([event.user_id for event in events], pa.string()),
        }
    )


def _history(
    topic: str,
    partition: int,
    epoch: int,
    records: Sequence[KafkaRecord],
    orders: pa.Table,
    kinds: pa.Table,
    raw: pa.Array,
) -> pa.Table:
    n = len(records)
    rows = [
        orders["shop_id"],
        pa.repeat(topic, n),
        pa.repeat(pa.scalar(epoch, pa.uint32()), n),
        pa.repeat(pa.scalar(partition, pa.uint32()), n),
        pa.array([record.offset for record in records], pa.uint64()),
        pa.array([record.timestamp for record in records], pa.timestamp("ms", "UTC")),
        kinds["type"],
        kinds["user_id"],
        pa.array([record.key for record in records], pa.binary()),
        raw,
    ]
    return pa.Table.from_arrays(rows, schema=shape.HISTORY)


def _record(topic: str, partition: int, record: KafkaRecord) -> Record:
    return Record(topic, partition, record.offset, record.timestamp, record.key, record.value)


def record_of(row: dict[str, Any]) -> Record:
    """The Kafka record that a row of `Piece.history` came from, its `arrived` as a number."""
    place = (row["topic"], row["partition"], row["offset"])
    return Record(*place, timestamp=row["arrived"], key=row["key"], value=row["raw"])
