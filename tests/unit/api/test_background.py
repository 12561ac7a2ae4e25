"""No task beside the requests ends unheard."""

import asyncio
import logging
import subprocess
import sys
from uuid import UUID

import pytest

from api.freshness import topology
from api.freshness.topology import Look, Watch
from api.main import ENDS, _crash


async def ended(name: str, fault: Exception | None = None) -> bool:
    """Whether the process ends with the task."""

    async def run() -> None:
        if fault is not None:
            raise fault

    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run(), name=name)
    await asyncio.wait({task})
    _crash(task, failed)
    return failed.done()


async def test_a_task_that_fails_or_is_over_ends_the_process_and_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await ended("source", ValueError("a fault"))
    assert await ended("source")
    assert await ended(ENDS, ValueError("a fault"))
    said = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert said == [
        (logging.CRITICAL, "source has ended; so does this process"),
        (logging.CRITICAL, "source has ended; so does this process"),
        (logging.CRITICAL, f"{ENDS} has ended; so does this process"),
    ]


async def test_one_that_may_end_and_one_that_is_cancelled_are_not() -> None:
    assert not await ended(ENDS)
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await asyncio.wait({task})
    _crash(task, failed)
    assert not failed.done()


async def test_the_watch_over_the_topics_goes_on_after_a_look_that_failed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks = iter([OSError("no file left"), Look({})])

    def look(*_: object) -> Look:
        found = next(looks, Look({}))
        if isinstance(found, Exception):
            raise found
        return found

    class Admin:
        def topic_ids(self, names: object) -> dict[str, UUID | None]:
            return {}

        def partitions(self, names: object) -> dict[str, int]:
            return {}

        def close(self) -> None: ...

    monkeypatch.setattr(topology, "look", look)
    monkeypatch.setattr(topology, "INTERVAL", 0.01)
    told: asyncio.Future[Look] = asyncio.get_running_loop().create_future()
    watch = Watch(Admin(), ["a"], lambda found: told.done() or told.set_result(found))
    watch.start(asyncio.get_running_loop())
    try:
        assert await asyncio.wait_for(told, 5) == Look({})
    finally:
        watch.stop()
    assert "a look at the topics failed; the next one follows" in caplog.messages


def test_what_is_loaded_is_not_looked_through_again() -> None:
    """A full collection over all that an API process has loaded takes 100 ms, in which no stream gets a byte."""
    code = (
        "import gc; from api.main import run; from shopstream.settings import Settings\n"
        "code = run(Settings(kafka_bootstrap='127.0.0.1:1', clickhouse_url='http://127.0.0.1:1'))\n"
        "print(code, gc.get_freeze_count() > 10 * len(gc.get_objects()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["2", "True"], done.stderr
