"""How long `shopstream.stream` waits before it comes back."""

import asyncio

import pytest

from shopstream import consumer
from shopstream.consumer import _Pause


async def test_a_server_that_is_away_for_days_is_still_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    pause = _Pause()
    for _ in range(2000):
        await pause.wait()
    assert 0.5 <= waited[0] <= consumer.FIRST_WAIT
    assert all(15 <= each <= consumer.LONGEST_WAIT for each in waited[10:])
