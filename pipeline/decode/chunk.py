"""Records of a topic: what is accepted as columns, what is refused with its reason. Nothing is dropped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.decode import columns, shape
from pipeline.decode.rows import rows
from pipeline.decode.text import whole
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


class Run(NamedTuple):
    """Records that follow each other in one partition, at least one."""

    partition: int
    epoch: int
    records: Sequence[KafkaRecord]


class Part(NamedTuple):
    """A run of one partition that was decoded: offsets from `first` up to, not including, `next`."""

    topic: str
    partition: int
    epoch: int
    first: int
    next: int


@dataclass(frozen=True, slots=True)
class DecodedChunk:
    """`rows` and `history` have one row for each accepted record, in the same order: that of the runs.

    `records` counts the refused ones too; `refused` is in the order of arrival.
    """

    parts: tuple[Part, ...]
    records: int
    rows: pa.Table
    history: pa.Table
    refused: tuple[tuple[Record, Refusal], ...]


def decode(topic: str, runs: Sequence[Run]) -> DecodedChunk:
    """Reads records of one topic, at least one. Pure; releases the GIL for most of its time.

    What it costs is mostly by call: few records of many partitions belong into one.
    """
    records = [record for run in runs for record in run.records]
    values = [record.value for record in records]
    raw = pa.array(values, pa.binary())
    arrived = [record.timestamp // 1000 for record in records]
    read, users, accepted, refused = _sort_out(topic, values, raw, arrived)
    sizes = [len(run.records) for run in runs]
    partitions = np.repeat(np.array([run.partition for run in runs], np.uint32), sizes)
    epochs = np.repeat(np.array([run.epoch for run in runs], np.uint32), sizes)
    if len(accepted) == len(records):
        kept = _Kept(records, partitions, epochs, raw)
    else:
        kept = _Kept(
            [records[i] for i in accepted],
            partitions[accepted],
            epochs[accepted],
            raw.take(pa.array(accepted, pa.int64())),
        )
    return DecodedChunk(
        tuple(_part(topic, run) for run in runs),
        records=len(records),
        rows=read,
        history=_history(topic, kept, read, users),
        refused=tuple(
            (_record(topic, int(partitions[i]), records[i]), refusal) for i, refusal in refused
        ),
    )


class _Kept(NamedTuple):
    """The accepted records, with the partition, the epoch and the value of each."""

    records: Sequence[KafkaRecord]
    partitions: npt.NDArray[np.uint32]
    epochs: npt.NDArray[np.uint32]
    raw: pa.Array


def _part(topic: str, run: Run) -> Part:
    return Part(topic, run.partition, run.epoch, run.records[0].offset, run.records[-1].offset + 1)


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


def _history(topic: str, kept: _Kept, read: pa.Table, users: pa.ChunkedArray) -> pa.Table:
    parts = [
        read["shop_id"],
        pa.repeat(topic, len(kept.records)),
        pa.array(kept.epochs),
        pa.array(kept.partitions),
        pa.array([record.offset for record in kept.records], pa.uint64()),
        pa.array([record.timestamp for record in kept.records], pa.timestamp("ms", "UTC")),
        read["type"],
        users,
        pa.array([record.key for record in kept.records], pa.binary()),
        kept.raw,
    ]
    return pa.Table.from_arrays(parts, schema=shape.HISTORY)


def _record(topic: str, partition: int, record: KafkaRecord) -> Record:
    return Record(topic, partition, record.offset, record.timestamp, record.key, record.value)
