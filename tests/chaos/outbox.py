"""The shops: they write at their own pace, and what is on its way when the broker dies is in it once, and in order."""

import threading
import time
from collections.abc import Sequence

from support.events import Refusal, Sent
from support.kafka import Kafka
from support.scene import Scene

SLICE = 100
FEW = 200
PATIENCE = 180.0
"""Seconds in which the broker must have a slice, its restarts included."""


class Outbox:
    """Sends `records` in their order from a thread of its own, as far as it is let."""

    def __init__(self, scene: Scene, records: Sequence[Sent], rate: float) -> None:
        self._scene = scene
        # one for the whole run, through every death of the broker
        self._kafka = Kafka(scene.system.bootstrap, {"enable.idempotence": True})
        self._records = records
        self._pause = SLICE / rate
        self._change = threading.Condition()
        self._let = self._next = 0
        self._idle = self._ended = False
        self._fault: BaseException | None = None
        self.refused: list[Refusal] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def let(self, share: float) -> None:
        """From now on this share of all may be sent."""
        with self._change:
            self._let = max(self._let, round(share * len(self._records)))
            self._change.notify_all()

    def let_some(self) -> None:
        """A few more, so that there is something to do."""
        with self._change:
            self._let = min(max(self._let, self._next) + FEW, len(self._records))
            self._change.notify_all()

    def hurry(self) -> None:
        """What is left goes as fast as the broker takes it."""
        self._pause = 0.0

    def done(self) -> bool:
        if self._fault is not None:
            raise RuntimeError("the shops can send no more") from self._fault
        return self._next == len(self._records) and self._idle

    def close(self) -> None:
        with self._change:
            self._ended = True
            self._change.notify_all()
        self._thread.join(90)

    def _may(self) -> bool:
        return self._ended or self._next < self._let

    def _run(self) -> None:
        try:
            while True:
                with self._change:
                    self._idle = True
                    self._change.wait_for(self._may)
                    if self._ended:
                        return
                    self._idle = False
                self._send(self._records[self._next : min(self._next + SLICE, self._let)])
                time.sleep(self._pause)
        except BaseException as fault:
            self._fault = fault

    def _send(self, records: Sequence[Sent]) -> None:
        places = self._kafka.produce(records, self._scene.system.produced, PATIENCE)
        self._scene.note(records, places)
        refusals = (self._scene.sent[place][1] for place in places)
        self.refused += [refusal for refusal in refusals if refusal is not None]
        self._next += len(records)
