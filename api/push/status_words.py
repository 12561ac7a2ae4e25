"""The words of shops for the statuses of orders, in memory: a record is checked without a question to the engine."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from clickhouse.errors import EngineError, EngineUnavailable
from shopstream.contracts.order import NO_WORDS, StatusMaps

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
        self._stale = asyncio.Event()
        self._stale.set()

    def refresh(self) -> None:
        self._stale.set()

    async def run(self, read: Callable[[], Awaitable[StatusMaps]]) -> None:
        """Reads them at the start and after each change, for ever."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            began = time.monotonic()
            try:
                self.maps = await read()
            except (EngineUnavailable, EngineError) as error:
                log.info("words for statuses cannot be read (%s)", error)
                self._stale.set()
            await asyncio.sleep(max(PAUSE_SECONDS, PAUSE_SHARE * (time.monotonic() - began)))
