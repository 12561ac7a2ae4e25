"""One chunk: what is accepted as columns, what is refused with its reason. Nothing is dropped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.decode import columns, shape
from pipeline.decode.rows import rows
from pipeline.decode.text import whole
from shopstream.contracts.cursor import Partition
from shopstream.contracts.deadletter import Record
from shopstream.contracts.events import Event, read_event
from shopstream.contracts.reject import Refusal, Refused

Indices = npt.NDArray[np.intp]
FEW = 24
"""So many records are read one by one sooner than as columns, which takes a millisecond before the first."""
SPLIT = 64
"""A block of so many that cannot be read as columns is read one by one; a larger one is cut in parts."""
PARTS = 8


class KafkaRecord(Protocol):
    """What is needed of a consumer's record; `timestamp` in ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class DecodedChunk:
    """`rows` and `history` have one row for each accepted record, in the same order.

    `records` counts the refused ones too; `refused` is in the order of their offsets.
    """

    topic: str
    partition: int
    epoch: int
    first: int
    next: int
    records: int
    rows: pa.Table
    history: pa.Table
    refused: tuple[tuple[Record, Refusal], ...]

    @property
    def place(self) -> Partition:
        """The partition that it came from."""
        return Partition(self.topic, self.partition)


def decode(topic: str, partition: int, epoch: int, records: Sequence[KafkaRecord]) -> DecodedChunk:
    """Reads the records of one chunk, at least one. Pure; releases the GIL for most of its time."""
    values = [record.value for record in records]
    raw = pa.array(values, pa.binary())
    arrived = [record.timestamp // 1000 for record in records]
    read, users, accepted, refused = _sort_out(topic, values, raw, arrived)
    all_kept = len(accepted) == len(records)
    kept = records if all_kept else [records[i] for i in accepted]
    return DecodedChunk(
        topic,
        partition,
        epoch,
        first=records[0].offset,
        next=records[-1].offset + 1,
        records=len(records),
        rows=read,
        history=_history(
            topic,
            partition,
            epoch,
            kept,
            read,
            users,
            raw if all_kept else raw.take(pa.array(accepted, pa.int64())),
        ),
        refused=tuple((_record(topic, partition, records[i]), refusal) for i, refusal in refused),
    )


def _sort_out(
    topic: str, values: list[bytes | None], raw: pa.Array, arrived: list[int]
) -> tuple[pa.Table, pa.ChunkedArray, list[int], list[tuple[int, Refusal]]]:
    """Accepted rows and their user ids in the order of arrival, where they were, and what is refused."""
    found = list(_fast(topic, raw, columns.future_limits(arrived), np.flatnonzero(whole(raw))))
    sure = [i for indices, _, _ in found for i in indices.tolist()]
    exact, refused = _slow(topic, values, arrived, sorted(set(range(len(values))) - set(sure)))
    read = [read for _, read, _ in found]
    users = [users for _, _, users in found]
    if exact or not found:
        events = [event for _, event in exact]
        read.append(rows(topic, events))
        users.append(pa.array([event.user_id for event in events], pa.string()))
    accepted = sure + [i for i, _ in exact]
    if not (exact and sure):
        return pa.concat_tables(read), pa.chunked_array(users), accepted, refused
    turn = np.argsort(accepted)
    return (
        pa.concat_tables(read).take(turn),
        pa.chunked_array(users).take(turn),
        sorted(accepted),
        refused,
    )


def _fast(
    topic: str, raw: pa.Array, limits: columns.Instants, indices: Indices
) -> Iterator[tuple[Indices, pa.Table, pa.Array]]:
    """(indices, rows, user ids) of what is surely right."""
    if len(indices) <= FEW:
        return
    part = raw if len(indices) == len(raw) else raw.take(pa.array(indices))
    read = columns.parse(topic, part, limits[indices])
    if read is not None:
        sure = ~read.needs_recheck
        if sure.all():
            yield indices, read.rows, read.users
        else:
            mask = pa.array(sure)
            yield indices[sure], read.rows.filter(mask), read.users.filter(mask)
    elif len(indices) > SPLIT:
        parts = min(PARTS, -(-len(indices) // SPLIT))
        for some in np.array_split(indices, parts):
            yield from _fast(topic, raw, limits, some)


def _slow(
    topic: str, values: list[bytes | None], arrived: list[int], indices: list[int]
) -> tuple[list[tuple[int, Event]], list[tuple[int, Refusal]]]:
    events, refused = [], []
    for i in indices:
        try:
            events.append((i, read_event(values[i], topic, arrived[i])))
        except Refused as error:
            refused.append((i, error.refusal))
    return events, refused


def _history(
    topic: str,
    partition: int,
    epoch: int,
    records: Sequence[KafkaRecord],
    read: pa.Table,
    users: pa.ChunkedArray,
    raw: pa.Array,
) -> pa.Table:
    n = len(records)
    parts = [
        read["shop_id"],
        pa.repeat(topic, n),
        pa.repeat(pa.scalar(epoch, pa.uint32()), n),
        pa.repeat(pa.scalar(partition, pa.uint32()), n),
        pa.array([record.offset for record in records], pa.uint64()),
        pa.array([record.timestamp for record in records], pa.timestamp("ms", "UTC")),
        read["type"],
        users,
        pa.array([record.key for record in records], pa.binary()),
        raw,
    ]
    return pa.Table.from_arrays(parts, schema=shape.HISTORY)


def _record(topic: str, partition: int, record: KafkaRecord) -> Record:
    return Record(topic, partition, record.offset, record.timestamp, record.key, record.value)
