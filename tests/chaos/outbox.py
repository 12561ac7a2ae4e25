"""The shops: they write at their own pace, and write again what a broker has forgotten."""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from support.events import Refusal, Sent
from support.kafka import Place
from support.scene import Scene
from support.system import GROUP

SLICE = 100
FEW = 200


class Outbox:
    """Sends `records` in their order from a thread of its own, as far as it is let.

    What the broker held when it was killed is sent again from the first record on that the group had not
    committed: the order within each partition stays, so what a repeat changes nothing in is known.
    """

    def __init__(self, scene: Scene, records: Sequence[Sent], rate: float) -> None:
        self._scene = scene
        self._records = records
        self._pause = SLICE / rate
        self._change = threading.Condition()
        self._let = self._next = self._sure = 0
        self._spots: dict[int, Place] = {}
        self._gone = self._idle = self._ended = False
        self._fault: BaseException | None = None
        self.refused: dict[int, Refusal] = {}
        """By the number of the record."""
        self.again = 0
        """Records that were sent a second time, as the broker had lost them."""
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
        self._check()
        return self._next == len(self._records) and self._idle

    def note_committed(self) -> None:
        """To be called while the broker still answers: what is committed need not be sent again."""
        with suppress(OSError):
            with self._change:
                ends = {spot[:2] for spot in self._spots.values()}
            committed = self._scene.system.kafka.committed(GROUP, ends) if ends else {}
            with self._change:
                while (spot := self._spots.get(self._sure)) and spot.offset < committed[spot[:2]]:
                    self._sure += 1

    def lose_broker(self) -> None:
        """After a kill; returns when nothing is on its way any more."""
        self._gone = True
        while not self._idle:
            self._check()
            self._scene.system.kafka.give_up()
            time.sleep(0.02)

    def find_broker(self) -> None:
        """It is there again, and empty."""
        with self._change:
            self._scene.forget_places()
            self._spots.clear()
            self.again += self._next - self._sure
            self._next = self._sure
            self._gone = False
            self._change.notify_all()

    def close(self) -> None:
        with self._change:
            self._ended = True
            self._change.notify_all()
        self._thread.join(90)

    def _check(self) -> None:
        if self._fault is not None:
            raise self._fault

    def _may(self) -> bool:
        return self._ended or (not self._gone and self._next < self._let)

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
        try:
            places = self._scene.system.produce(records)
        except AssertionError:
            if not self._gone:  # the broker was killed under our hands, or something is amiss
                self._until_gone(20)
            return
        self._scene.note(records, places)
        with self._change:
            for number, place in enumerate(places, self._next):
                self._spots[number] = place
                refusal: Any = self._scene.sent[place][1]
                if refusal is not None:
                    self.refused.setdefault(number, refusal)
            self._next += len(records)

    def _until_gone(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._gone:
            assert time.monotonic() < end, "the broker runs and takes no records"
            time.sleep(0.02)
