"""A batch of orders that a recount has fenced: what it changed is reported by the worker that reads on."""

from dataclasses import dataclass
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.counted_statuses import Generation
from pipeline.flush import Fenced, Written
from pipeline.retry import Backoff
from pipeline.store import Changed, Slots
from pipeline.worker import Worker


@dataclass(frozen=True)
class Batch:
    id: int = 1


class Parts:
    """What `_write_orders` asks of a worker. Batches before `passes` are fenced; `later`: by a recount."""

    def __init__(self, passes: int, later: bool = True) -> None:
        self.passes = passes
        self.later = later
        self.reported: list[Slots] = []
        self.engine_backoff = Backoff("engine")
        self.counted_statuses = self.store = self
        numbers = count(2)
        self.ids = SimpleNamespace(next=lambda: next(numbers))

    async def present(self) -> Generation:
        return Generation(1, {})

    async def is_former(self, _: Generation) -> bool:
        return self.later

    async def changed(self, _: str, batch: int) -> Changed:
        return Changed({f"s{batch}": [900]})

    async def _flush(self, batch: Any, _: object) -> Written:
        if batch.id < self.passes:
            raise Fenced
        return Written(batch, {}, {})

    def _recovered(self, slots: Slots) -> None:
        self.reported.append(slots)

    async def write(self) -> Written:
        mine: Any = self
        batch: Any = Batch()
        return await Worker._write_orders(mine, batch, mine)


async def test_what_each_fenced_batch_changed_is_reported_with_the_new_one() -> None:
    parts = Parts(passes=3)
    assert (await parts.write()).batch.id == 3
    assert parts.reported == [{"s1": [900]}, {"s2": [900]}]


async def test_a_batch_that_nobody_fenced_reports_nothing_else() -> None:
    parts = Parts(passes=1)
    assert (await parts.write()).batch.id == 1
    assert parts.reported == []


async def test_a_batch_that_another_worker_fenced_is_lost() -> None:
    parts = Parts(passes=9, later=False)
    with pytest.raises(Fenced):
        await parts.write()
    assert parts.reported == []
