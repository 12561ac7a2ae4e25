"""The engine is away for minutes while the shops go on: what waits, what it weighs, how soon it is made good."""

import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from chaos.plan import Plan
from chaos.world import World
from clickhouse.verify import verify
from oracle.compare import compare_letters, compare_tables
from shopbench.output import Result, say
from support.events import Sent
from support.load import mixed, openings, stirred
from support.scene import Scene

SLICE = 200
BEFORE_SECONDS = 15.0
BLOCK = 5000
CATCH_UP_SECONDS = 1800.0


class Steady:
    """Sends blocks of events at a rate, by the clock, until told to stop."""

    def __init__(self, scene: Scene, rate: float) -> None:
        self._scene = scene
        self._rate = rate
        self._over = threading.Event()
        self.sent = 0
        self.late = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._fault: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        try:
            began, seed = time.monotonic(), 0
            while not self._over.is_set():
                seed += 1
                self._block(_block(seed), began)
        except BaseException as fault:
            self._fault = fault

    def _block(self, records: Sequence[Sent], began: float) -> None:
        for start in range(0, len(records), SLICE):
            part = records[start : start + SLICE]
            behind = time.monotonic() - began - self.sent / self._rate
            self.late = max(self.late, behind)
            if self._over.wait(max(0.0, -behind)):
                return
            self._scene.send(part)
            self.sent += len(part)


def _block(seed: int) -> list[Sent]:
    return stirred(seed, mixed(seed, BLOCK, bad=0.02, opened=True), 0)


def outage(seconds: float, rate: float, workers: int) -> Result:
    """Raises AssertionError where something is lost or does not come to rest."""
    plan = Plan(workers=workers, audit=0)
    with (
        tempfile.TemporaryDirectory(prefix="shopbench-") as folder,
        World(Path(folder), plan).start(workers) as world,
    ):
        scene = Scene(world)
        scene.send(openings())
        world.settle()
        steady = Steady(scene, rate)
        steady.start()
        _pass(world, BEFORE_SECONDS)
        before, weighed = steady.sent, world.peak
        say(f"{before:,} events in {BEFORE_SECONDS:g} s; the engine dies")
        world.engine.kill()
        _pass(world, seconds)
        during, away = steady.sent - before, world.peak
        say(f"{during:,} events meanwhile; it comes back")
        world.start_engine()
        back = time.monotonic()
        caught_up = _until_level(world)
        steady.stop()
        say(f"level with the shops after {caught_up:.0f} s")
        world.settle(CATCH_UP_SECONDS)
        world.weigh()
        settled = time.monotonic() - back
        found = _differences(world, scene)
        return Result(
            "chaos-outage",
            f"engine away for {seconds:g} s at {rate:,.0f} events/s of all topics, {workers} workers",
            rows=[
                {"what": name, "is": value}
                for name, value in (
                    ("records sent, all", len(scene.sent)),
                    ("while it was away", during),
                    ("most the load was late, s", round(steady.late, 1)),
                    ("seconds to be level with the shops, load going on", round(caught_up, 1)),
                    ("seconds until everything is in", round(settled, 1)),
                    ("peak MiB of one worker before", weighed),
                    ("peak MiB of one worker while it was away", away),
                    ("peak MiB of one worker, all in all", world.peak),
                    ("peak MiB of all workers together", world.together),
                    ("starts of workers", sum(child.starts for child in world.pipelines)),
                    ("differences", len(found)),
                )
            ],
            notes=[
                "differences: every table, every dead letter, and `verify`, beside the oracle",
                *found[:10],
            ],
        )


def _pass(world: World, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        world.weigh()
        assert not [child for child in world.pipelines if child.fell()], "a worker ended"
        time.sleep(0.2)


def _until_level(world: World) -> float:
    """Seconds until what was committed is what had been sent a moment before."""
    began = time.monotonic()

    def level(ends: dict[tuple[str, int], int]) -> bool:
        found = world.kafka.committed("shopstream", ends)
        return all(max(found[place], 0) >= end for place, end in ends.items())

    while time.monotonic() - began < CATCH_UP_SECONDS:
        ends = dict(world.ends)
        _pass(world, 3.0)
        if _asked(lambda ends=ends: level(ends)):
            return time.monotonic() - began
    raise AssertionError("it never catches up")


def _asked(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except OSError:
        return False


def _differences(world: World, scene: Scene) -> list[str]:
    reads = {read.place: read for read in world.kafka.read(world.ends, 300)}
    return [
        *compare_tables(world.sql, scene.book),
        *compare_letters(world.dead_letters(), scene.sent, reads),
        *map(str, verify(world.settings).differences),
    ]
