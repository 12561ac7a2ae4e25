"""How far this process has read the topics, whatever shop it was, and who waits for it."""

import asyncio
from collections.abc import Mapping

from shopstream.contracts.cursor import Partition, Position

Positions = Mapping[Partition, Position]
SETTLE_SECONDS = 10.0
"""How long streams wait at most, at the start of a process, until it has read what a client may come back for."""


class ReadPositions:
    """`positions` are those behind the latest record that was read, by partition."""

    def __init__(self) -> None:
        self.positions: dict[Partition, Position] = {}
        self._ready = asyncio.Event()
        self._progressed = asyncio.Event()

    def ready(self) -> None:
        """Lets streams begin: the live end has been reached."""
        self._ready.set()

    async def wait_ready(self, timeout: float) -> bool:
        """Whether streams can begin, waiting up to `timeout` seconds for it."""
        try:
            async with asyncio.timeout(timeout):
                await self._ready.wait()
        except TimeoutError:
            return False
        return True

    def passed(self, partition: Partition, position: Position) -> None:
        """Everything before `position` has been read."""
        self.positions[partition] = position
        if not self._progressed.is_set():
            self._progressed.set()

    def includes(self, position: Positions) -> bool:
        """Whether all before `position` has been read."""
        return all(
            (known := self.positions.get(partition)) is not None
            and (known.epoch != wanted.epoch or known.next >= wanted.next)
            for partition, wanted in position.items()
        )

    async def wait(self, position: Positions, timeout: float) -> bool:
        """Whether all before `position` has been read, waiting up to `timeout` seconds for it."""
        try:
            async with asyncio.timeout(timeout):
                while not self.includes(position):
                    self._progressed.clear()
                    await self._progressed.wait()
        except TimeoutError:
            return False
        return True
