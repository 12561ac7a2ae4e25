"""Which quarters of an hour a shop is told of after a repair."""

import pytest

from clickhouse.differences import Difference
from clickhouse.windows import TEXTS, WINDOWS, Window
from pipeline.reconcile.repairs import slots

TIMES = {"slot": "2026-11-22 10:15:00", "day": "2026-11-22", "month": "2026-11-01"}
SECONDS = {"slot": 1795342500, "day": 1795305600, "month": 1793491200}


def repaired(table: str, keys: tuple[str, ...]) -> Difference:
    key = ("s-1", *(TIMES.get(name, "x") for name in keys[1:]))
    return Difference(table, key, ("0",), ("1",))


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_a_repaired_window_is_told_by_its_time_if_it_has_one(window: Window) -> None:
    found = slots([repaired(window.name, window.keys)])
    assert found == {"s-1": [SECONDS[window.time]] if window.time else []}


@pytest.mark.parametrize("table", TEXTS)
def test_a_repaired_text_has_no_time(table: str) -> None:
    assert slots([repaired(table, TEXTS[table][0])]) == {"s-1": []}
