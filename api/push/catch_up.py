"""Brings those who were away for longer than the hub remembers on, out of the stored events."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from api.freshness.tracker import RequiredPosition
from api.push.channel import parts
from api.push.cursor_encoder import CursorEncoder
from api.push.hub import Hub
from api.push.records import PushEvent
from api.push.stored_events import (
    FIRST_PAGE,
    Span,
    StoredEvent,
    StoredEvents,
    next_limit,
)
from api.push.subscriber import Subscriber, SubscriptionFilter
from clickhouse.errors import EngineError, EngineUnavailable

log = logging.getLogger(__name__)

READ_SECONDS = 5.0
"""How long a process may be behind another one that gave a cursor."""
PATIENCE_SECONDS = 30.0
"""How long what was missed may be out of reach; then the client is told, and goes on from now."""
AGAIN_SECONDS = 0.5


class CatchUps:
    """`included` returns once the pipeline has stored everything before some places."""

    def __init__(
        self,
        hub: Hub,
        events: StoredEvents,
        included: Callable[[Iterable[RequiredPosition]], Awaitable[None]],
    ) -> None:
        self._hub = hub
        self._events = events
        self._included = included

    def start(self, subscriber: Subscriber, *, fresh: bool) -> None:
        """Begins to bring a subscriber on; `fresh`: it has not been told yet that its stream is ready."""
        task = asyncio.create_task(self._run(subscriber, fresh), name="catch up")
        subscriber.catching_up = task
        task.add_done_callback(lambda done: self._done(done, subscriber))

    async def _run(self, subscriber: Subscriber, fresh: bool) -> None:
        if not await self._hub.wait_read(subscriber.position, READ_SECONDS):
            self._hub.reset(subscriber, "the cursor is ahead of what is known here", fresh=fresh)
            return
        limit = FIRST_PAGE
        while not self._hub.try_replay_from_channel(subscriber, fresh=fresh):
            span, wanted = self._missing(subscriber), subscriber.filter
            page = await self._page(subscriber, span, limit)
            if page is None:
                self._hub.reset(subscriber, "what was missed cannot be read now", fresh=fresh)
                return
            if fresh:
                self._hub.send_ready(subscriber)
                fresh = False
            if await self._deliver(subscriber, page, wanted) and len(page) < limit:
                subscriber.position.update(span.until)
            limit = next_limit(page, limit)

    def _missing(self, subscriber: Subscriber) -> Span:
        channel = subscriber.channel
        floor = channel.floor() if channel is not None else {}
        return Span.between(subscriber.position, floor)

    async def _page(
        self, subscriber: Subscriber, span: Span, limit: int
    ) -> "list[StoredEvent] | None":
        """None where it cannot be had in time."""
        channel = subscriber.channel
        shop = channel.shop if channel is not None else ""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._included(span.end_positions())
                while True:
                    try:
                        return await self._events.page(shop, span, subscriber.filter, limit)
                    except (EngineUnavailable, EngineError) as error:
                        log.warning("what a subscriber missed cannot be read yet: %s", error)
                        await asyncio.sleep(AGAIN_SECONDS)
        except TimeoutError:
            return None

    async def _deliver(
        self, subscriber: Subscriber, page: list[StoredEvent], wanted: SubscriptionFilter
    ) -> bool:
        """Whether that was what the client wants to the end: it may ask for other types meanwhile."""
        encoder = CursorEncoder(subscriber.position, subscriber.at)
        for part in parts(page):
            if subscriber.filter is wanted:
                await self._write(subscriber, encoder, part)
        return subscriber.filter is wanted

    async def _write(
        self, subscriber: Subscriber, encoder: CursorEncoder, part: list[StoredEvent]
    ) -> None:
        events: list[tuple[PushEvent, str]] = []
        for stored in part:
            encoder.advance(stored.partition, stored.position, stored.at)
            events.append((stored.event, encoder.text()))
        subscriber.position, subscriber.at = dict(encoder.positions), encoder.at
        self._hub.counts.deliveries += len(part)
        subscriber.outlet.write(subscriber.encoding.events(events))
        await asyncio.sleep(0)
        while subscriber.paused is not None:
            await subscriber.reads.wait()

    def _done(self, task: "asyncio.Task[None]", subscriber: Subscriber) -> None:
        subscriber.catching_up = None
        if task.cancelled() or (fault := task.exception()) is None:
            return
        log.error("a subscriber could not be brought on", exc_info=fault)
        if not subscriber.ended:
            subscriber.outlet.abort()
            self._hub.leave(subscriber)
