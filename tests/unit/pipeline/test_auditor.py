"""What the auditor reports of its steps."""

import pytest

from clickhouse.errors import EngineUnavailable
from clickhouse.window_comparison import EVER, Scope
from pipeline.reconcile.auditor import Auditor


class Failing:
    async def step(self, *_):
        raise EngineUnavailable("gone after it wrote")


async def test_a_step_that_fails_is_reported_since_it_may_have_written():
    reported = []
    auditor = Auditor(None, Failing(), lambda: True, lambda *step: reported.append(step), 1.0)
    with pytest.raises(EngineUnavailable):
        await auditor._step("sales_15m", Scope(period=EVER))
    assert reported == [("sales_15m", None)]
