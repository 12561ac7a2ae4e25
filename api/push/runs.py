"""What a poll brought, in bounded parts: consecutive records of a partition, and the shop that each names."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from aiokafka import ConsumerRecord, TopicPartition

from api.push.channel import Value
from api.push.records import event_of, shop_of, too_much
from shopstream.contracts.cursor import Partition
from shopstream.contracts.topics import NOTICES
from shopstream.contracts.values import IDENTIFIER_LENGTH

CHUNK_RECORDS, CHUNK_BYTES = 500, 256 * 1024
"""So much is searched for shops without a yield; it also bounds what checking as columns takes in memory."""


class _Structured(NamedTuple):
    """A record with its event in structured mode as the value."""

    offset: int
    timestamp: int
    value: bytes | None


class Run(NamedTuple):
    """Consecutive records of a partition, the shop that each names, and what is to be pushed of it. `failed`: what a
    record raised, by offset."""

    partition: Partition
    records: Sequence[ConsumerRecord[bytes, bytes]]
    shops: list[str | None]
    values: list[Value]
    failed: Mapping[int, Exception] = {}


def runs_of(
    chunks: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]],
) -> Iterator[list[Run]]:
    """The runs of each part in turn."""
    for part in _parts(chunks):
        yield [_run(Partition(*tp), records) for tp, records in part]


def _parts(
    chunks: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]],
) -> Iterator[list[tuple[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]]]]:
    """What was polled, in order, cut so that each part has at most `CHUNK_RECORDS`, and one record beyond
    `CHUNK_BYTES`."""
    part, count, size = [], 0, 0
    for tp, records in chunks.items():
        begin = 0
        for end, record in enumerate(records, 1):
            count += 1
            size += len(record.value or b"")
            if count >= CHUNK_RECORDS or size > CHUNK_BYTES:
                part.append((tp, records[begin:end]))
                yield part
                part, count, size, begin = [], 0, 0, end
        if begin < len(records):
            part.append((tp, records[begin:]))
    if part:
        yield part


def _run(partition: Partition, found: Sequence[ConsumerRecord[bytes, bytes]]) -> Run:
    try:
        return _look(partition, found)
    except Exception:
        return _look_one_by_one(partition, found)


def _look_one_by_one(partition: Partition, found: Sequence[ConsumerRecord[bytes, bytes]]) -> Run:
    """The same, where one of them fails."""
    failed: dict[int, Exception] = {}
    runs = []
    for record in found:
        try:
            runs.append(_look(partition, [record]))
        except Exception as error:
            failed[record.offset] = error
            nothing = _Structured(record.offset, record.timestamp, None)
            runs.append(Run(partition, [nothing], [None], [None]))
    return Run(
        partition,
        [run.records[0] for run in runs],
        [run.shops[0] for run in runs],
        [run.values[0] for run in runs],
        failed,
    )


def _look(partition: Partition, found: Sequence[ConsumerRecord[bytes, bytes]]) -> Run:
    records = [
        _Structured(record.offset, record.timestamp, event_of(record.value, record.headers))
        if record.headers
        else record
        for record in found
    ]
    values: list[Value] = [record.value for record in records]
    if partition.topic == NOTICES:  # those are read one by one: what the pipeline says has no bound
        return Run(partition, records, [None] * len(values), values)
    return Run(partition, records, [_shop(record.value) for record in records], values)


def _shop(value: bytes | None) -> str | None:
    """What shops write is bounded: beyond it a record is refused unread."""
    return None if not value or too_much(value) else known_shop(shop_of(value))


def known_shop(shop: str | None) -> str | None:
    """No shop has a longer name, and no channel is made for one."""
    return shop if shop and len(shop) <= IDENTIFIER_LENGTH else None
