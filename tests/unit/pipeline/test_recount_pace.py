"""When the next recount begins."""

import asyncio

import pytest

from clickhouse.errors import EngineUnavailable
from pipeline.counted_statuses import CountedStatuses

TOOK = 0.2


class Recounting(CountedStatuses):
    """Whose recounts take a while; `fails` of them do not end."""

    def __init__(self, fails: int) -> None:
        self.begun, self._fails = 0, fails
        self._mine = lambda: True

    async def recount(self, wrong=()) -> bool:
        self.begun += 1
        await asyncio.sleep(TOOK)
        if self.begun <= self._fails:
            raise EngineUnavailable("away")
        return True


@pytest.mark.parametrize(("fails", "begun"), [(0, 1), (2, 3)])
async def test_a_rest_follows_a_recount_that_ended_and_none_that_holds_up_orders(fails, begun):
    recounting = Recounting(fails)
    running = asyncio.create_task(recounting.run())
    await asyncio.sleep(1.8)
    assert recounting.begun == begun
    running.cancel()
