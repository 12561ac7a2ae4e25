"""What one stream element is: consecutive records of one topic-partition."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from faust.types import TP

MAX_CHUNK = 10_000
"""Records in one chunk; with `stream_buffer_maxsize` it bounds what waits in memory."""


class Chunk:
    """Records of one topic-partition in offset order, never empty.

    `records` are aiokafka `ConsumerRecord`s: `.offset`, `.timestamp` (ms), `.key`, `.value`
    (bytes or None) and `.headers`. Offsets grow, but may have holes (transaction markers,
    compaction).
    """

    def __init__(self, topic: str, partition: int, records: list[Any]) -> None:
        self.topic = topic
        self.partition = partition
        self.records = records

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"<Chunk {self.topic}:{self.partition} {self.first}..{self.next - 1}>"

    @property
    def first(self) -> int:
        """Offset of the first record."""
        return int(self.records[0].offset)

    @property
    def next(self) -> int:
        """Offset after the last record: what a commit of this chunk says."""
        return int(self.records[-1].offset) + 1

    @cached_property
    def size(self) -> int:
        """Bytes of all values (a record without a value counts 0)."""
        return sum(max(0, record.serialized_value_size) for record in self.records)


def chunks(tp: TP, records: list[Any], size: int = MAX_CHUNK) -> Iterator[Chunk]:
    """Cut the records of one partition into chunks of at most `size`."""
    for start in range(0, len(records), size):
        part = records if len(records) <= size else records[start : start + size]
        yield Chunk(tp.topic, tp.partition, part)
