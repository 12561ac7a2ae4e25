"""Longer and longer pauses, one line in ten seconds, and a clear end."""

import asyncio
import logging

import pytest

from pipeline import retry
from pipeline.retry import Backoff


@pytest.fixture
def pauses(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(retry.asyncio, "sleep", sleep)
    return slept


async def test_pauses_double_up_to_ten_seconds(pauses):
    backoff = Backoff("Kafka")
    for _ in range(8):
        await backoff.pause(OSError("down"))
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


async def test_pauses_begin_anew_once_all_is_well(pauses):
    backoff = Backoff("Kafka")
    for _ in range(3):
        await backoff.pause(OSError("down"))
    backoff.reset()
    await backoff.pause(OSError("down"))
    assert pauses == [0.2, 0.4, 0.8, 0.2]


async def test_the_trouble_is_known_while_it_lasts(pauses):
    backoff = Backoff("Kafka")
    assert backoff.unavailable_reason is None
    await backoff.pause(OSError("no route"))
    assert backoff.unavailable_reason == "no route"
    await backoff.pause(OSError("no broker"))
    assert backoff.unavailable_reason == "no broker"
    backoff.reset()
    assert backoff.unavailable_reason is None


async def test_the_reason_is_said_once_in_ten_seconds(pauses, caplog, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])
    backoff = Backoff("Kafka")
    with caplog.at_level(logging.INFO):
        for seconds in (100.0, 101.0, 109.9, 110.0, 115.0):
            clock[0] = seconds
            await backoff.pause(OSError(f"down at {seconds:g}"))
        backoff.reset()
        clock[0] = 116.0
        await backoff.pause(OSError("not recovered"))
        backoff.reset()
        backoff.reset()
        clock[0] = 117.9
        await asyncio.to_thread(
            lambda: None
        )  # a turn of the loop, in which timers that are due run
        assert "Kafka: available again" not in caplog.messages
        clock[0] = 118.1
        await asyncio.to_thread(lambda: None)
        await backoff.pause(OSError("down again"))
    assert [record.getMessage() for record in caplog.records] == [
        "Kafka: down at 100; retrying in 0.2 s",
        "Kafka: down at 110; retrying in 1.6 s",
        "Kafka: available again",
        "Kafka: down again; retrying in 0.2 s",
    ]
