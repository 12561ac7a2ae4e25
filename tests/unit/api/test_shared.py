import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shopstream.api.progress import ProgressBook
from shopstream.api.reports import shared as module
from shopstream.api.reports.shared import Shared
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import PipelineState, Progress


class Source:
    """Answers with how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()
        self.fault: Exception | None = None

    async def ask(self) -> int:
        self.asked += 1
        number = self.asked
        await self.open.wait()
        if self.fault:
            raise self.fault
        return number


async def test_the_same_question_is_asked_once_until_something_changes() -> None:
    version, source = [1], Source()
    shared: Shared[int] = Shared(lambda: version[0])
    assert [await shared.get("a", source.ask) for _ in range(3)] == [1, 1, 1]
    assert await shared.get("b", source.ask) == 2
    version[0] += 1
    assert await shared.get("a", source.ask) == 3


async def test_nothing_is_shared_while_the_pipeline_is_unknown() -> None:
    source = Source()
    shared: Shared[int] = Shared(lambda: None)
    assert [await shared.get("a", source.ask) for _ in range(2)] == [1, 2]


async def test_an_answer_is_not_given_again_when_its_time_is_over() -> None:
    source = Source()
    shared: Shared[int] = Shared(lambda: 1, longest=0.0)
    assert [await shared.get("a", source.ask) for _ in range(2)] == [1, 2]


async def test_one_who_leaves_takes_the_answer_from_nobody() -> None:
    source = Source()
    source.open.clear()
    shared: Shared[int] = Shared(lambda: 1)
    first, second = (asyncio.ensure_future(shared.get("a", source.ask)) for _ in range(2))
    first.cancel()
    source.open.set()
    assert await second == 1


async def test_a_failure_is_not_kept() -> None:
    source = Source()
    source.fault = ValueError("down")
    shared: Shared[int] = Shared(lambda: 1)
    with pytest.raises(ValueError, match="down"):
        await shared.get("a", source.ask)
    source.fault = None
    assert await shared.get("a", source.ask) == 2


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENTRIES", 2)
    source = Source()
    shared: Shared[int] = Shared(lambda: 1)
    for key in ("a", "b", "a", "c", "a", "b"):
        await shared.get(key, source.ask)
    assert source.asked == 4


def test_the_version_moves_with_every_record_and_every_change_but_not_with_time() -> None:
    book, at = ProgressBook(), datetime(2026, 11, 22, tzinfo=UTC)

    def say(reached: int, seconds: int) -> int | None:
        progress = Progress(1, reached, at + timedelta(seconds=seconds))
        book.observe(PipelineState("w", {Partition("shop.orders", 0): progress}))
        return book.version()

    assert book.version() is None
    first = say(5, 0)
    assert say(5, 1) == first
    assert say(6, 1) != first
    second = book.version()
    book.changed()
    assert book.version() != second
