"""The words of shops for statuses in the memory of an API process."""

import asyncio
from contextlib import suppress

import pytest

from api.push import status_words
from api.push.status_words import StatusWords
from clickhouse.errors import EngineUnavailable
from shopstream.contracts.order import StatusMaps


async def test_a_shop_that_changes_its_words_all_the_time_takes_a_bounded_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(status_words, "PAUSE_SECONDS", 0.001)
    words, looks = StatusWords(), 0

    async def read() -> StatusMaps:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0.02)
        words.refresh()
        return {"s": {"on-hold": "pending"}}

    with suppress(TimeoutError):
        async with asyncio.timeout(0.9):
            await words.run(read, dict)
    assert 1 <= looks <= 0.9 / 0.02 / (1 + status_words.PAUSE_SHARE) + 1
    assert words.maps == {"s": {"on-hold": "pending"}}


async def test_a_look_that_fails_is_repeated_and_the_words_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(status_words, "PAUSE_SECONDS", 0.001)
    words = StatusWords()
    answers: list[StatusMaps | None] = [{"s": {"a": "paid"}}, None, {"s": {"b": "paid"}}]
    seen: list[StatusMaps] = []

    async def read() -> StatusMaps:
        seen.append(words.maps)
        if not answers:
            await asyncio.Event().wait()
        words.refresh()
        if (answer := answers.pop(0)) is None:
            raise EngineUnavailable("away")
        return answer

    with suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await words.run(read, dict)
    assert seen == [{}, {"s": {"a": "paid"}}, {"s": {"a": "paid"}}, {"s": {"b": "paid"}}]
