"""Orders that go on while a test does something to the brokers or the pipelines."""

import itertools
import threading
from types import TracebackType
from typing import Self

import pytest

from support.events import Sent
from support.load import stirred, versions
from support.scene import Scene
from support.system import FULL
from support.waiting import eventually

LONG = [pytest.mark.slow, pytest.mark.skipif(not FULL, reason="SHOPSTREAM_FULL=1 runs it")]
ORDERS = 60 if FULL else 20
PACE_SECONDS = 0.1
PATIENCE = 180.0
"""Seconds that a producer waits for a broker."""


class Load:
    """As `with Load(scene, seed)`: some hundred records a second, all of them in the scene's book afterwards.

    It waits for a broker that is away; nothing that was sent is given up.
    """

    def __init__(self, scene: Scene, seed: int) -> None:
        self._scene = scene
        self._seed = seed
        self._over = threading.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(PATIENCE)
        if error is None:
            assert not self._thread.is_alive(), "the load never ended"
            assert self._fault is None, self._fault

    def _run(self) -> None:
        try:
            for number in itertools.count(self._seed * 10_000):
                if self._over.wait(PACE_SECONDS):
                    return
                self._send(stirred(number, versions(number, ORDERS, prefix="kafka")))
        except BaseException as error:
            self._fault = error

    def _send(self, records: list[Sent]) -> None:
        system = self._scene.system
        self._scene.note(records, system.kafka.produce(records, system.produced, PATIENCE))


def until_batches_come(scene: Scene) -> None:
    """The load reaches the tables."""

    def batches() -> int:
        return int(scene.system.sql.rows("SELECT count() FROM batches")[0][0])

    before = batches()
    eventually(lambda: batches() > before + 4, 60, "batches")
