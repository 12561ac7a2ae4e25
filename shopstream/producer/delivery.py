"""The outcome of the records that were sent."""

import threading
import time
from typing import Any, NamedTuple

from kafka.errors import KafkaError

from shopstream.producer.errors import NotDelivered


class Place(NamedTuple):
    """Where Kafka put a record; `str()` is the text that `includes=` of a report takes."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


class Sent:
    """A record on its way."""

    __slots__ = ("_future",)

    def __init__(self, future: Any) -> None:
        self._future = future

    def place(self, timeout: float | None = None) -> Place:
        """Waits for the acknowledgement, at most `timeout` seconds.

        Raises:
            NotDelivered: Kafka has not acknowledged the record: it was given up, or `timeout` is over
                (then it is still tried).
        """
        try:
            found = self._future.get(timeout)
        except KafkaError as error:
            raise NotDelivered(1, reason(error)) from error
        return Place(found.topic, found.partition, found.offset)


class InFlightLimit:
    """Counts what waits for its acknowledgement, bounds it, and remembers what failed.

    `records` and `size` (bytes) are the bounds; a single record may be larger than `size`.
    """

    def __init__(self, records: int, size: int) -> None:
        self._limits = (records, size)
        self._changed = threading.Condition()
        self._waiting = 0
        self._records = 0
        self._size = 0
        self._failed = 0
        self._why = ""

    @property
    def records(self) -> int:
        """How many wait for their acknowledgement."""
        return self._records

    @property
    def failed(self) -> int:
        """How many were given up since `take_failed`."""
        return self._failed

    def enter(self, size: int, timeout: float) -> bool:
        """Waits for room, at most `timeout` seconds; False where there was none."""
        with self._changed:
            end = time.monotonic() + timeout
            while not self._has_room(size):
                self._waiting += 1
                in_time = self._changed.wait(end - time.monotonic())
                self._waiting -= 1
                if not in_time:
                    return False
            self._records += 1
            self._size += size
            return True

    def leave(self, size: int, error: Exception | None = None) -> None:
        """One was acknowledged, or met `error` and was given up."""
        with self._changed:
            self._records -= 1
            self._size -= size
            if error is not None:
                self._failed += 1
                self._why = reason(error)
            if self._waiting:
                self._changed.notify_all()

    def take_failed(self) -> tuple[int, str]:
        """How many were given up since the last call, and what the last of them met."""
        with self._changed:
            failed, self._failed = self._failed, 0
            return failed, self._why

    def _has_room(self, size: int) -> bool:
        records, limit = self._limits
        return self._records == 0 or (self._records < records and self._size + size <= limit)


def reason(error: Exception) -> str:
    """The message of a client's error, or its name."""
    return str(error) or type(error).__name__
