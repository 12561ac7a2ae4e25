"""A batch: what one flush of one worker writes, of all its partitions of one topic together."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from pipeline.decode import DecodedChunk, Part, shape
from shopstream.contracts.cursor import Partition
from shopstream.contracts.deadletter import Record, dead_letter, dead_letter_of_many
from shopstream.contracts.reject import Reason, Refusal

DEAD_LETTERS, DEAD_LETTER_BYTES = 100, 1024 * 1024
"""Dead letters of one partition in a batch; beyond, records refused for the same reason share one."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Immutable; `refused` records are not in the tables, `records` counts all, `created_at_differences` the rows whose
    order was accepted with another createdAt before.

    `staged` has the columns of `decode.shape.structure`, `history` those of table `events`; both have
    one row an accepted event, in the order of arrival. `tombstones` are records without a value.
    """

    id: int
    parts: tuple[Part, ...]
    staged: pa.Table
    history: pa.Table
    refused: tuple[tuple[Record, Refusal], ...]
    records: int
    tombstones: int = 0
    created_at_differences: int = 0

    @property
    def topic(self) -> str:
        """That of all its parts."""
        return self.parts[0].topic

    @property
    def partitions(self) -> list[Partition]:
        """The partitions of its parts, in the same order."""
        return [Partition(part.topic, part.partition) for part in self.parts]

    def with_first_created_at(self, first: Mapping[int, int]) -> "Batch":
        """With the first accepted createdAt (Unix microseconds), by `seq` of the rows that came with another one."""
        at = self.staged.schema.get_field_index("created_at")
        created = self.staged["created_at"].cast(pa.int64()).to_numpy().copy()
        created[list(first)] = list(first.values())
        column = pa.array(created).cast(shape.INSTANT)
        staged = self.staged.set_column(at, self.staged.schema.field(at), column)
        return replace(self, staged=staged, created_at_differences=len(first))

    def dead_letters(self) -> list[bytes]:
        """One `record:refused` event for each refused record, up to the budget of its partition; then one for all that
        were refused for the same reason."""
        events: list[bytes] = []
        sent, size = Counter[int](), Counter[int]()
        many: dict[tuple[int, Reason], list[Record]] = {}
        for record, refusal in self.refused:
            partition = record.partition
            if sent[partition] < DEAD_LETTERS and size[partition] < DEAD_LETTER_BYTES:
                events.append(dead_letter(record, refusal))
                sent[partition] += 1
                size[partition] += len(events[-1])
            else:
                many.setdefault((partition, refusal.reason), []).append(record)
        for (_, reason), records in many.items():
            events.append(dead_letter_of_many(records, reason))
        return events


def assemble(batch_id: int, chunks: Sequence[DecodedChunk]) -> Batch:
    """One batch of decoded chunks, at least one; `seq` counts the rows in the order of arrival."""
    rows = pa.concat_tables([chunk.rows for chunk in chunks])
    seq = pa.array(np.arange(rows.num_rows, dtype=np.uint32))
    return Batch(
        batch_id,
        tuple(_parts(chunks)),
        rows.add_column(0, "seq", seq),
        pa.concat_tables([chunk.history for chunk in chunks]),
        tuple(refused for chunk in chunks for refused in chunk.refused),
        sum(chunk.records for chunk in chunks),
        sum(chunk.tombstones for chunk in chunks),
    )


def _parts(chunks: Iterable[DecodedChunk]) -> list[Part]:
    """One of each partition and epoch: its parts follow each other."""
    runs: dict[tuple[str, int, int], Part] = {}
    for part in (part for chunk in chunks for part in chunk.parts):
        key = part[:3]
        before = runs.setdefault(key, part)
        runs[key] = before._replace(next=part.next)
    return sorted(runs.values())
