"""Tells the API processes how far this worker is and what it touched: after every batch, and while nothing comes."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from clickhouse.errors import EngineUnavailable
from pipeline.notifier import Voice
from pipeline.retry import Patience
from pipeline.store import Store
from pipeline.touched import merged
from shopstream.broker import BrokerUnreachable
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import PipelineState, Progress, Touched, pipeline_progress

IDLE_SECONDS = 1.0
LEAST_SECONDS = 0.05
KEEP_SECONDS = 5.0
"""How often progress is kept in the engine, for an API process that starts later."""


class Announcer:
    """`progress` reads the transport's books; `counters` are this worker's own.

    Its first word says that anything may have changed: who wrote before it may have died without a word.
    """

    def __init__(
        self,
        worker: str,
        store: Store,
        voice: Voice,
        progress: Callable[[], dict[Partition, Progress]],
        counters: Callable[[], Mapping[str, float]],
        number: Callable[[], int],
        patience: Patience,
    ) -> None:
        self._worker = worker
        self._store = store
        self._voice = voice
        self._progress = progress
        self._counters = counters
        self._number = number
        self._patience = patience
        self._news = asyncio.Event()
        self._touched: Touched | None = None
        self._saying = asyncio.Lock()
        self._kept = -KEEP_SECONDS

    def news(self, touched: Touched | None) -> None:
        """Something was written that touched this, or nobody knows what; told no later than the progress that
        goes with it, if the books have that progress at this moment and not before."""
        self._touched = merged(self._touched, touched)
        self._news.set()

    async def run(self) -> None:
        """Announces for ever."""
        while True:
            with suppress(TimeoutError):  # that nothing came is news too
                await asyncio.wait_for(self._news.wait(), IDLE_SECONDS)
            self._news.clear()
            try:
                await self.say()
            except (BrokerUnreachable, EngineUnavailable) as error:
                await self._patience.pause(error)
            else:
                self._patience.well()
            await asyncio.sleep(LEAST_SECONDS)

    async def say(self) -> None:
        """Says what there is to say, and returns when the broker has it.

        Raises:
            BrokerUnreachable, EngineUnavailable: what was touched is said the next time.
        """
        async with self._saying:
            await self._say()

    async def _say(self) -> None:
        progress = self._progress()
        if not progress and self._touched == {}:
            return
        touched, self._touched = self._touched, {}
        state = PipelineState(self._worker, progress, self._counters(), touched)
        event = pipeline_progress(state, f"{self._number():x}", datetime.now(UTC))
        try:
            await self._voice.notices([(None, event)])
        except BaseException:
            self._touched = merged(self._touched, touched)
            raise
        now = asyncio.get_running_loop().time()
        if progress and now - self._kept >= KEEP_SECONDS:
            self._kept = now
            await self._store.save_progress(progress)
