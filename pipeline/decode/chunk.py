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
from shopstream.contracts.envelope import Headers, structured
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

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


@dataclass(frozen=True, slots=True)
class DecodedChunk:
    """`rows`, `history` and `accepted` have one entry for each accepted record, in the same order.

    `records` counts the refused ones and the tombstones too; `refused` is in the order of their offsets.
    """

    topic: str
    partition: int
    epoch: int
    first: int
    next: int
    records: int
    tombstones: int
    rows: pa.Table
    history: pa.Table
    accepted: Sequence[KafkaRecord]
    refused: tuple[tuple[Record, Refusal], ...]

    @property
    def place(self) -> Partition:
        """The partition that it came from."""
        return Partition(self.topic, self.partition)


def decode(topic: str, partition: int, epoch: int, records: Sequence[KafkaRecord]) -> DecodedChunk:
    """Reads the records of one chunk, at least one. Pure; releases the GIL for most of its time.

    A record without a value says nothing: a tombstone, as the connectors and streams of others write them.
    """
    full = [record for record in records if record.value is not None]
    found, values, unread = _opened(full)
    raw = pa.array(values, pa.binary())
    read, users, accepted, refused = _sort_out(topic, values, raw)
    all_kept = len(accepted) == len(found)
    kept = found if all_kept else [found[i] for i in accepted]
    wrong = [*unread, *((found[i], refusal) for i, refusal in refused)]
    if unread:
        wrong.sort(key=lambda one: one[0].offset)
    return DecodedChunk(
        topic,
        partition,
        epoch,
        first=records[0].offset,
        next=records[-1].offset + 1,
        records=len(records),
        tombstones=len(records) - len(full),
        accepted=kept,
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
        refused=tuple((record_of(topic, partition, record), refusal) for record, refusal in wrong),
    )


def _opened(
    records: list[KafkaRecord],
) -> tuple[list[KafkaRecord], list[bytes | None], list[tuple[KafkaRecord, Refusal]]]:
    """Records whose headers allow it, the event of each in structured mode, and those that are refused for them."""
    if not any(record.headers for record in records):
        return records, [record.value for record in records], []
    found: list[KafkaRecord] = []
    values: list[bytes | None] = []
    refused = []
    for record in records:
        try:
            values.append(structured(record.value, record.headers))
        except Refused as error:
            refused.append((record, error.refusal))
        else:
            found.append(record)
    return found, values, refused


def _sort_out(
    topic: str, values: list[bytes | None], raw: pa.Array
) -> tuple[pa.Table, pa.ChunkedArray, list[int], list[tuple[int, Refusal]]]:
    """Accepted rows and their user ids in the order of arrival, where they were, and what is refused."""
    found = list(_fast(topic, raw, np.flatnonzero(whole(raw)))) if values else []
    sure = [i for indices, _, _ in found for i in indices.tolist()]
    exact, refused = _slow(topic, values, sorted(set(range(len(values))) - set(sure)))
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
    topic: str, raw: pa.Array, indices: Indices
) -> Iterator[tuple[Indices, pa.Table, pa.Array]]:
    """(indices, rows, user ids) of what is surely right."""
    if len(indices) <= FEW:
        return
    read = columns.parse(topic, raw if len(indices) == len(raw) else raw.take(pa.array(indices)))
    if read is not None:
        sure = ~read.needs_recheck
        if sure.all():
            yield indices, read.rows, read.users
        else:
            mask = pa.array(sure)
            yield indices[sure], read.rows.filter(mask), read.users.filter(mask)
    elif len(indices) > SPLIT:
        parts = min(PARTS, -(-len(indices) // SPLIT))
        for part in np.array_split(indices, parts):
            yield from _fast(topic, raw, part)


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


def record_of(topic: str, partition: int, record: KafkaRecord) -> Record:
    """A consumer's record as a dead letter tells of it."""
    place = (topic, partition, record.offset)
    return Record(*place, record.timestamp, record.key, record.value, tuple(record.headers))
