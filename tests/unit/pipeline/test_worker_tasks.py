"""No task of a worker ends unheard."""

import logging

import pytest

from pipeline.worker import _or_end


async def test_a_task_that_fails_is_told_and_ends_the_worker(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails() -> None:
        raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        await _or_end(fails)
    (record,) = caplog.records
    assert record.levelno == logging.CRITICAL
    assert record.getMessage() == "worker stops: a task failed"


async def test_a_task_that_is_over_is_a_fault_too(caplog: pytest.LogCaptureFixture) -> None:
    async def over() -> None:
        return None

    with pytest.raises(RuntimeError, match="has ended"):
        await _or_end(over)
    assert len(caplog.records) == 1
