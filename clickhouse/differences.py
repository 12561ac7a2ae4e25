"""A stored number beside the true one."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from clickhouse.windows import TEXTS, WINDOWS

COLUMNS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **{window.name: (window.keys, window.sums) for window in WINDOWS.values()},
    **TEXTS,
}
"""Of every table that is compared: its keys and its numbers."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored row that is not what the versions say. Numbers are text, exact."""

    table: str
    key: tuple[str, ...]
    stored: tuple[str, ...]
    truth: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """With the names of the table's columns."""
        keys, numbers = COLUMNS[self.table]
        return {
            "table": self.table,
            "key": dict(zip(keys, self.key, strict=True)),
            "stored": dict(zip(numbers, self.stored, strict=True)),
            "truth": dict(zip(numbers, self.truth, strict=True)),
        }

    @property
    def gap(self) -> tuple[object, ...]:
        """What is amiss, whatever the numbers are by now: a lasting fault keeps it while events come."""
        if self.table in WINDOWS:
            return (self.table, self.key, *self.missing)
        return (self.table, self.key, self.stored, self.truth)

    @property
    def missing(self) -> tuple[Decimal, ...]:
        """What must be added to each number of a window to make it right."""
        pairs = zip(self.truth, self.stored, strict=True)
        return tuple(Decimal(truth) - Decimal(stored) for truth, stored in pairs)

    def __str__(self) -> str:
        row = self.as_dict()
        key = " ".join(f"{name}={value}" for name, value in row["key"].items())
        changes = ", ".join(
            f"{name} is {value}, should be {row['truth'][name]}"
            for name, value in row["stored"].items()
            if value != row["truth"][name]
        )
        return f"{self.table} {key}: {changes}"
