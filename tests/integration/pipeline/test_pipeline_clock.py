"""The clock of the machine is set back by an hour, under the worker and the API."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from support.load import versions
from support.system import System
from support.waiting import eventually

COMPILER = shutil.which("cc")
BACK = 3600
STALE_SECONDS = 10.0
STILL_SECONDS = 4.0
"""After which the API of this test says that the reports stand still, instead of `STALE_SECONDS`."""
API = (
    f"import api.freshness.health as health; health.STALE_SECONDS = {STILL_SECONDS}; "
    "from api.main import run; from shopstream.settings import load; exit(run(load()))"
)
SHOP = "clock-shop"

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no compiler for the clock")

# libfaketime does the same, but also takes over what threads wait with: the clients of Kafka then hang
CLOCK = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile long *back;
__attribute__((constructor)) static void begin(void) {
    int file = open(getenv("CLOCK_BACK"), O_RDONLY);
    back = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
}
int clock_gettime(clockid_t which, struct timespec *at) {
    int result = syscall(SYS_clock_gettime, which, at);
    if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE) at->tv_sec -= *back;
    return result;
}
int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    int result = syscall(SYS_gettimeofday, at, zone);
    at->tv_sec -= *back;
    return result;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


def compiled(folder: Path) -> Path:
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(CLOCK)
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library


class Clocked:
    """Every process of ours sees the clock that a file tells; the steady clocks are left alone."""

    def __init__(self, folder: Path, system: System) -> None:
        self.system = system
        self._file = folder / "back"
        self.back = 0
        self.set_back(0)
        self._env = {"LD_PRELOAD": str(compiled(folder)), "CLOCK_BACK": str(self._file)}
        self.worker = system.add_pipeline(
            ["env", sys.executable, "-m", "shopstream", "pipeline"], **self._env
        )
        system.until_ready(self.worker)
        self.port = self.add_api()

    def add_api(self) -> int:
        return self.system.add_api(["env", sys.executable, "-c", API], **self._env)

    def set_back(self, seconds: int) -> None:
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT)
        os.pwrite(descriptor, seconds.to_bytes(8, sys.byteorder), 0)
        os.close(descriptor)
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
    while (passed := time.monotonic() - frozen) < STILL_SECONDS + 2:
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
