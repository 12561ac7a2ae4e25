"""A batch: what one flush of one worker writes, of all its partitions of one topic together."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.decode import Piece, shape
from pipeline.decode.chunk import record_of
from shopstream.contracts.cursor import Partition
from shopstream.contracts.deadletter import Record, dead_letter, dead_letter_of_many
from shopstream.contracts.reject import Reason, Refusal

LETTERS, LETTER_BYTES = 100, 1024 * 1024
"""What a batch tells of one partition record by record; beyond, records refused for the same reason share a letter."""


class Part(NamedTuple):
    """The run of one partition that a batch holds: offsets from `first` up to, not including, `next`."""

    topic: str
    partition: int
    epoch: int
    first: int
    next: int


@dataclass(frozen=True, slots=True)
class Batch:
    """`staged` has the columns of `decode.shape.structure`, `history` those of table `events`."""

    number: int
    parts: tuple[Part, ...]
    staged: pa.Table
    history: pa.Table
    refused: tuple[tuple[Record, Refusal], ...]
    records: int

    @property
    def topic(self) -> str:
        """That of all its parts."""
        return self.parts[0].topic

    @property
    def places(self) -> list[Partition]:
        return [Partition(part.topic, part.partition) for part in self.parts]

    def without(self, moved: Sequence[int]) -> "Batch":
        """Without the rows whose order has another createdAt; they are refused instead."""
        keep = np.ones(self.staged.num_rows, np.bool_)
        keep[list(moved)] = False
        lost = self.history.filter(pa.array(~keep)).cast(_ANY_TIME)
        refused = tuple((record_of(row), _MOVED) for row in lost.to_pylist())
        mask = pa.array(keep)
        return Batch(
            self.number,
            self.parts,
            self.staged.filter(mask),
            self.history.filter(mask),
            self.refused + refused,
            self.records,
        )

    def dead_letters(self) -> list[bytes]:
        """One `record:refused` event for each refused record, up to the budget of its partition; then one for all that
        were refused for the same reason."""
        letters: list[bytes] = []
        told, size = Counter[int](), Counter[int]()
        many: dict[tuple[int, Reason], list[Record]] = {}
        for record, refusal in self.refused:
            number = record.partition
            if told[number] < LETTERS and size[number] < LETTER_BYTES:
                letters.append(dead_letter(record, refusal))
                told[number] += 1
                size[number] += len(letters[-1])
            else:
                many.setdefault((number, refusal.reason), []).append(record)
        for (_, reason), records in many.items():
            letters.append(dead_letter_of_many(records, reason))
        return letters


# Kafka's timestamp may be of no year that Python knows
_ANY_TIME = shape.HISTORY.set(
    shape.HISTORY.get_field_index("arrived"), pa.field("arrived", pa.int64())
)
_MOVED = Refusal(
    Reason.ORDER_MOVED,
    "data.createdAt",
    "data.createdAt must stay what it was when the order was first accepted",
)


def assemble(number: int, pieces: Sequence[Piece]) -> Batch:
    """One batch of decoded chunks, at least one; `seq` counts the rows in the order of arrival."""
    rows = pa.concat_tables([piece.rows for piece in pieces])
    seq = pa.array(np.arange(rows.num_rows, dtype=np.uint32))
    return Batch(
        number,
        tuple(_parts(pieces)),
        rows.add_column(0, "seq", seq),
        pa.concat_tables([piece.history for piece in pieces]),
        tuple(refused for piece in pieces for refused in piece.refused),
        sum(piece.records for piece in pieces),
    )


def _parts(pieces: Iterable[Piece]) -> list[Part]:
    runs: dict[tuple[str, int, int], Part] = {}
    for piece in pieces:
        key = (piece.topic, piece.partition, piece.epoch)
        before = runs.get(key)
        first = piece.first if before is None else before.first
        runs[key] = Part(*key, first, piece.next)
    return sorted(runs.values())
