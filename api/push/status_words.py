"""The words of shops for the statuses of orders, in memory: a record is checked without a question to the engine."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from api.push.read_positions import Positions
from clickhouse.errors import EngineError, EngineUnavailable
from shopstream.contracts.order import NO_WORDS, StatusMaps
from shopstream.contracts.topics import SETTINGS

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.2
"""From one look to the next, and after one that failed."""
PAUSE_SHARE = 9
"""The pause is at least so many times as long as the look: a shop that changes its words all the time makes this
process read those of every shop."""


class StatusWords:
    """`maps` are those of the latest look; `refresh` says that they may have changed."""

    def __init__(self) -> None:
        self.maps: StatusMaps = NO_WORDS
        self._reached: Positions | None = None
        """How far the pipeline was in the settings before the latest look; None before the first."""
        self._stale = asyncio.Event()
        self._stale.set()

    def refresh(self) -> None:
        self._stale.set()

    def include(self, positions: Positions) -> bool:
        """Whether the maps have all settings before these positions; those of other topics are of no matter."""
        reached = self._reached
        return reached is not None and all(
            (known := reached.get(partition)) is not None
            and known.epoch == wanted.epoch
            and known.next >= wanted.next
            for partition, wanted in positions.items()
            if partition.topic == SETTINGS
        )

    async def run(
        self, read: Callable[[], Awaitable[StatusMaps]], reached: Callable[[], Positions]
    ) -> None:
        """Reads them at the start and after each change, for ever; `reached` is how far the pipeline is in the
        settings."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            began = time.monotonic()
            before = reached()
            try:
                self.maps = await read()
                self._reached = before
            except (EngineUnavailable, EngineError) as error:
                log.info("words for statuses cannot be read (%s)", error)
                self._stale.set()
            await asyncio.sleep(max(PAUSE_SECONDS, PAUSE_SHARE * (time.monotonic() - began)))
