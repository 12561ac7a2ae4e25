"""Publishes to the API processes how far this worker is and which days it changed: after every batch, and at rest."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from pipeline.changed_days import merged
from pipeline.producer import Producer
from pipeline.retry import Backoff
from pipeline.stored_progress import StoredProgress
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import ChangedDays, PipelineState, Progress, pipeline_progress
from shopstream.contracts.topics import NOTICES

IDLE_SECONDS = 1.0
LEAST_SECONDS = 0.2
"""Between two messages: one names every partition of the worker, and costs it a millisecond and an API process half
of that (docs/decisions/0021)."""
STORE_SECONDS = 5.0
"""How often progress is stored in ClickHouse, for an API process that starts later."""


class ProgressPublisher:
    """`progress` reads the transport's partition states; `counters` are this worker's own.

    The first message reports that anything may have changed: a worker that wrote before may have died before its own.
    """

    def __init__(
        self,
        worker: str,
        stored: StoredProgress,
        producer: Producer,
        progress: Callable[[], dict[Partition, Progress]],
        counters: Callable[[], Mapping[str, float]],
        next_id: Callable[[], int],
        backoff: Backoff,
        store_backoff: Backoff,
    ) -> None:
        self._worker = worker
        self._stored = stored
        self._producer = producer
        self._progress = progress
        self._counters = counters
        self._next_id = next_id
        self._backoff = backoff
        self._store_backoff = store_backoff
        self._wake = asyncio.Event()
        self._changed: ChangedDays | None = None
        self._publishing = asyncio.Lock()
        self._latest: dict[Partition, Progress] = {}
        self._to_store = asyncio.Event()

    def mark_changed(self, changed: ChangedDays | None) -> None:
        """Days by shop that a batch changed, None for anything; published no later than the progress that includes
        the batch, as long as the partition states have that progress from now on and not before."""
        self._changed = merged(self._changed, changed)
        self._wake.set()

    async def run(self) -> None:
        """Publishes for ever: at once after `mark_changed`, else every `IDLE_SECONDS`."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)
            await self._backoff.call(self.publish)
            await asyncio.sleep(LEAST_SECONDS)

    async def publish(self) -> None:
        """Publishes progress and changed days, and returns when the broker has them.

        Raises:
            BrokerUnreachable: the changed days are published the next time.
        """
        async with self._publishing:
            await self._publish()

    async def publish_changed(self) -> None:
        """As `publish`, where there are days that the broker does not have yet."""
        async with self._publishing:
            if self._changed != {}:
                await self._publish()

    async def _publish(self) -> None:
        self._wake.clear()
        progress = self._progress()
        if not progress:
            self._latest = {}  # no longer ours: a later owner may have stored more
            if self._changed == {}:
                return
        changed, self._changed = self._changed, {}
        state = PipelineState(self._worker, progress, self._counters(), changed)
        event = pipeline_progress(state, f"{self._next_id():x}", datetime.now(UTC))
        try:
            await self._producer.send(NOTICES, [(None, event)])
        except BaseException:
            self._changed = merged(self._changed, changed)
            raise
        if progress:
            self._latest = progress
            self._to_store.set()

    async def store(self) -> None:
        """Stores for ever what was published last; beside `run`, so that no message waits for the engine."""
        while True:
            await self._to_store.wait()
            self._to_store.clear()
            await self._store_backoff.call(lambda: self._stored.save(self._latest))
            await asyncio.sleep(STORE_SECONDS)
