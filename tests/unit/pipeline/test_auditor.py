"""What the auditor tells of its steps."""

import pytest

from clickhouse.compare import EVER, Scope
from clickhouse.errors import EngineUnavailable
from pipeline.reconcile.auditor import Auditor


class Failing:
    async def step(self, *_):
        raise EngineUnavailable("gone after it wrote")


async def test_a_step_that_fails_is_told_since_it_may_have_written():
    told = []
    auditor = Auditor(None, Failing(), lambda: True, lambda *said: told.append(said), 1.0)
    with pytest.raises(EngineUnavailable):
        await auditor._each([("sales_15m", Scope(period=EVER))])
    assert told == [("sales_15m", None)]
