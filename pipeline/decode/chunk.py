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
from shopstream.contracts.envelope import Headers, structured
from shopstream.contracts.events import Event, read_event, refused_by_first_byte
from shopstream.contracts.json_text import parse
from shopstream.contracts.order import NO_WORDS, StatusMaps
from shopstream.contracts.reject import Refusal, Refused

Indices = npt.NDArray[np.intp]
FEW = 24
"""So many records are read one by one sooner than as columns, which takes a millisecond before the first."""
SPLIT = 64
"""A block of so many that cannot be read as columns is read one by one; a larger one is cut in parts."""
PARTS = 8


class Envelope(NamedTuple):
    """What is asked of an accepted record where its numbers are of no matter; `user` None: for everyone."""

    shop: str
    type: str
    user: str | None
    backfill: bool = False


_ENVELOPE = ("shopid", "type", "userid", "shopstreambackfill")


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

    `records` counts the refused ones and the tombstones too; `refused` is in the order of arrival.
    """

    parts: tuple[Part, ...]
    records: int
    tombstones: int
    rows: pa.Table
    history: pa.Table
    refused: tuple[tuple[Record, Refusal], ...]


def decode(topic: str, runs: Sequence[Run], maps: StatusMaps = NO_WORDS) -> DecodedChunk:
    """Reads records of one topic, at least one. Pure; releases the GIL for most of its time. `maps` as `read_event`.

    What it costs is mostly by call: few records of many partitions belong into one. A record without a value says
    nothing: a tombstone, as the connectors and streams of others write them.
    """
    records = [record for run in runs for record in run.records]
    found, values, unread = _opened(records)
    raw = pa.array(values, pa.binary())
    arrived = [records[i].timestamp // 1000 for i in found]
    read, users, indices, wrong = _sort_out(topic, values, raw, arrived, maps)
    accepted = indices if len(found) == len(records) else [found[i] for i in indices]
    refused = [*unread, *((found[i], refusal) for i, refusal in wrong)]
    if unread:
        refused.sort(key=lambda one: one[0])
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
            raw if len(indices) == len(values) else raw.take(pa.array(indices, pa.int64())),
        )
    return DecodedChunk(
        tuple(_part(topic, run) for run in runs),
        records=len(records),
        tombstones=len(records) - len(found) - len(unread),
        rows=read,
        history=_history(topic, kept, read, users),
        refused=tuple(
            (record_of(topic, int(partitions[i]), records[i]), refusal) for i, refusal in refused
        ),
    )


def _opened(
    records: Sequence[KafkaRecord],
) -> tuple[Sequence[int], list[bytes | None], list[tuple[int, Refusal]]]:
    """Where the records are that may be read, the event of each in structured mode, and what is refused for its
    headers; tombstones are in neither."""
    values = [record.value for record in records]
    if None not in values and not any(record.headers for record in records):
        return range(len(records)), values, []
    found, events, refused = [], [], []
    for i, record in enumerate(records):
        if record.value is None:
            continue
        try:
            events.append(structured(record.value, record.headers))
            found.append(i)
        except Refused as error:
            refused.append((i, error.refusal))
    return found, events, refused


def envelopes(
    topic: str,
    values: Sequence[bytes | None],
    arrived: Sequence[int],
    maps: StatusMaps = NO_WORDS,
) -> list[Envelope | None]:
    """Of each record of `topic` that arrived in these seconds (Unix time), in the same order; None where `decode`
    refuses it. Pure, as `decode`."""
    raw = pa.array(values, pa.binary())
    found: list[Envelope | None] = [None] * len(values)
    unsure = np.ones(len(values), np.bool_)
    limits = columns.future_limits(arrived)
    for indices, read in _fast(topic, raw, limits, np.flatnonzero(whole(raw))):
        head = zip(
            *(read.head[name].to_pylist() for name in _ENVELOPE),
            strict=True,
        )
        unsure[indices] = read.needs_recheck
        for i, (shop, kind, user, backfill) in zip(indices.tolist(), head, strict=True):
            found[i] = Envelope(shop, kind, user, bool(backfill))
    exact, refused = _slow(topic, values, arrived, np.flatnonzero(unsure).tolist(), maps)
    for i, event in exact:
        found[i] = Envelope(event.shop_id, event.type, event.user_id, event.backfill)
    for i, _ in refused:
        found[i] = None
    return found


class _Kept(NamedTuple):
    """The accepted records, with the partition, the epoch and the value of each."""

    records: Sequence[KafkaRecord]
    partitions: npt.NDArray[np.uint32]
    epochs: npt.NDArray[np.uint32]
    raw: pa.Array


def _part(topic: str, run: Run) -> Part:
    return Part(topic, run.partition, run.epoch, run.records[0].offset, run.records[-1].offset + 1)


def _sort_out(
    topic: str,
    values: Sequence[bytes | None],
    raw: pa.Array,
    arrived: Sequence[int],
    maps: StatusMaps,
) -> tuple[pa.Table, pa.ChunkedArray, list[int], list[tuple[int, Refusal]]]:
    """Accepted rows and their user ids in the order of arrival, where they were, and what is refused."""
    limits = columns.future_limits(arrived)
    blocks = _fast(topic, raw, limits, np.flatnonzero(whole(raw))) if values else ()
    found = [_sure(*block) for block in blocks]
    sure = [i for indices, _, _ in found for i in indices.tolist()]
    rest = sorted(set(range(len(values))) - set(sure))
    exact, refused = _slow(topic, values, arrived, rest, maps)
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


def _sure(indices: Indices, read: columns.Read) -> tuple[Indices, pa.Table, pa.Array]:
    """(indices, rows, user ids) of what is surely right."""
    sure = ~read.needs_recheck
    if sure.all():
        return indices, read.rows, read.users
    mask = pa.array(sure)
    return indices[sure], read.rows.filter(mask), read.users.filter(mask)


def _fast(
    topic: str, raw: pa.Array, limits: columns.Instants, indices: Indices
) -> Iterator[tuple[Indices, columns.Read]]:
    """What can be read as columns, in blocks."""
    if len(indices) <= FEW:
        return
    part = raw if len(indices) == len(raw) else raw.take(pa.array(indices))
    read = columns.parse(topic, part, limits[indices])
    if read is not None:
        yield indices, read
    elif len(indices) > SPLIT:
        parts = min(PARTS, -(-len(indices) // SPLIT))
        for some in np.array_split(indices, parts):
            yield from _fast(topic, raw, limits, some)


def _slow(
    topic: str,
    values: Sequence[bytes | None],
    arrived: Sequence[int],
    indices: list[int],
    maps: StatusMaps,
) -> tuple[list[tuple[int, Event]], list[tuple[int, Refusal]]]:
    events, refused = [], []
    # a flood is often the same record many times
    again: dict[tuple[bytes | None, int], Refusal] = {}
    for i in indices:
        value, second = values[i], arrived[i]
        if refusal := refused_by_first_byte(value) or again.get((value, second)):
            refused.append((i, refusal))
            continue
        try:
            events.append((i, read_event(value, topic, second, maps)))
        except Refused as error:
            refused.append((i, error.refusal))
            if value:  # what was not taken into memory has no bytes, and reasons of its own
                again[value, second] = error.refusal
    return events, refused


def shops_with_words(chunk: DecodedChunk) -> set[str]:
    """Shops of orders that were refused for their status, which may be a word of the shop."""
    wanted = [record for record, refusal in chunk.refused if refusal.field == "data.status"]
    return {shop for record in wanted if (shop := _shop_of(record)) is not None}


def _shop_of(record: Record) -> str | None:
    document = parse(structured(record.value, record.headers) or b"")
    shop = document["shopid"]
    return shop if isinstance(shop, str) else None


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
        read["backfill"],
        kept.raw,
    ]
    return pa.Table.from_arrays(parts, schema=shape.HISTORY)


def record_of(topic: str, partition: int, record: KafkaRecord) -> Record:
    """A consumer's record as a dead letter tells of it."""
    headers = tuple(record.headers)
    return Record(
        topic, partition, record.offset, record.timestamp, record.key, record.value, headers
    )
