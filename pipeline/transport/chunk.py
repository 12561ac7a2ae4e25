"""What one stream element is: consecutive records of one topic-partition."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from faust.types import TP

MAX_CHUNK, MAX_CHUNK_BYTES = 10_000, 8 * 1024 * 1024
"""Records in one chunk, and bytes of their values, which the last may pass; with `stream_buffer_maxsize` they bound
what waits in memory."""


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


def chunks(
    tp: TP, records: list[Any], size: int = MAX_CHUNK, most: int = MAX_CHUNK_BYTES
) -> Iterator[Chunk]:
    """Cut the records of one partition into chunks of at most `size`, which end with the record that brings their
    values to `most` bytes."""
    start = held = 0
    for end, record in enumerate(records, 1):
        held += max(0, record.serialized_value_size)
        if end - start == size or held >= most or end == len(records):
            whole = end - start == len(records)
            yield Chunk(tp.topic, tp.partition, records if whole else records[start:end])
            start, held = end, 0
