"""The clock of the machine is set back by an hour, under the worker and the API."""

import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from support.load import versions
from support.system import System
from support.waiting import eventually

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
BACK = 3600.0
STALE_SECONDS = 10.0
SHOP = "clock-shop"

pytestmark = pytest.mark.skipif(not LIBRARIES, reason="libfaketime is not installed")


class Clocked:
    """Every process of ours sees the clock that a file tells; the steady clocks are left alone."""

    def __init__(self, folder: Path, system: System) -> None:
        self.system = system
        self._file = folder / "faketime"
        self.back = 0.0
        self.set_back(0.0)
        self._env = {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.worker = system.add_pipeline(
            ["env", sys.executable, "-m", "shopstream", "pipeline"], **self._env
        )
        system.until_ready(self.worker)
        self.port = self.add_api()

    def add_api(self) -> int:
        return self.system.add_api(["env", sys.executable, "-m", "shopstream", "api"], **self._env)

    def set_back(self, seconds: float) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_text(f"-{seconds:.0f}\n" if seconds else "+0\n")
        draft.replace(self._file)
        self.back = seconds

    def report(self, more: str = "") -> tuple[int, dict[str, object]]:
        status, body = self.system.get(
            f"/reports/daily-sales?shopId={SHOP}{more}", [SHOP], self.port
        )
        return status, json.loads(body)

    def age(self) -> float:
        """Of `asOf`, by the clock that the processes see."""
        status, body = self.report()
        assert status == 200, body
        return time.time() - self.back - datetime.fromisoformat(str(body["asOf"])).timestamp()

    def ready(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.system.get("/ready", port=self.port)[1])
        return found

    def until_fresh(self) -> None:
        eventually(lambda: self.ready()["pipeline"] == "ok", STALE_SECONDS)
        assert 0 <= self.age() < STALE_SECONDS

    def includes_what_is_new(self, seed: int) -> None:
        *_, (topic, partition, offset) = self.system.produce(versions(seed, 20))
        status, body = self.report(f"&includes={topic}:{partition}:{offset}")
        assert status == 200, body


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[Clocked]:
    with System(tmp_path) as system:
        system.start(pipelines=0)
        yield Clocked(tmp_path, system)


def test_a_clock_that_is_set_back_by_an_hour_hides_nothing_and_promises_nothing(
    clocked: Clocked,
) -> None:
    clocked.until_fresh()
    clocked.worker.freeze()
    frozen = time.monotonic()
    clocked.set_back(BACK)
    while (passed := time.monotonic() - frozen) < STALE_SECONDS + 2:
        assert passed - 1 <= clocked.age() <= passed + 3
        time.sleep(0.5)
    assert clocked.ready()["pipeline"].startswith("The reports stand still since")
    clocked.worker.wake()
    clocked.until_fresh()
    clocked.includes_what_is_new(1)
    metrics = clocked.system.get("/metrics", port=clocked.port)[1].decode()
    assert "shopstream_clock_set_back 1.0" in metrics
    # whoever begins now finds what was stored in the future
    clocked.port = clocked.add_api()
    clocked.until_fresh()
    clocked.includes_what_is_new(2)
    clocked.worker.kill()
    clocked.worker.start()
    clocked.system.until_ready(clocked.worker)
    clocked.until_fresh()
    clocked.includes_what_is_new(3)
