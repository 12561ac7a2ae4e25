"""Replays stored events to subscribers that miss more than their channel has."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from api.freshness.tracker import RequiredPosition
from api.push.channel import channel_of, parts
from api.push.cursor_encoder import CursorEncoder
from api.push.fan_out import UNREADABLE
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
"""How long this process may lag behind another one that issued the cursor."""
CATCH_UP_TIMEOUT_SECONDS = 30.0
"""How long a page may take, retries included; then the stream is reset."""
RETRY_SECONDS = 0.5


class _NotEncoded(Exception):
    """A stored event cannot be encoded."""


class CatchUps:
    """`included` returns once the pipeline has stored everything before some positions."""

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
        """Starts the catch-up of a subscriber as a task; `fresh`: `stream:ready` has not been sent to it yet."""
        task = asyncio.create_task(self._run(subscriber, fresh), name="catch up")
        subscriber.catching_up = task
        task.add_done_callback(lambda done: self._done(done, subscriber))

    async def _run(self, subscriber: Subscriber, fresh: bool) -> None:
        if not await self._hub.read.wait(subscriber.position, READ_SECONDS):
            self._hub.delivery.reset(
                subscriber, "the cursor is ahead of what is known here", fresh=fresh
            )
            return
        limit = FIRST_PAGE
        while not self._hub.replay.try_from_channel(subscriber, fresh=fresh):
            wanted = subscriber.filter
            span = Span.between(subscriber.position, channel_of(subscriber).floor())
            page = await self._page(subscriber, span, limit)
            if page is None:
                self._hub.delivery.reset(
                    subscriber, "what was missed cannot be read now", fresh=fresh
                )
                return
            if fresh:
                self._hub.delivery.send_ready(subscriber)
                fresh = False
            try:
                whole = await self._deliver(subscriber, page, wanted)
            except _NotEncoded as error:
                # not its message, which may repeat texts of the event
                log.error("a stored event cannot be pushed: %s", type(error.__cause__).__name__)
                self._hub.counts.skipped += 1
                self._hub.delivery.reset(subscriber, UNREADABLE, fresh=False)
                return
            if whole and len(page) < limit:
                subscriber.position = {**subscriber.position, **span.until}
            limit = next_limit(page, limit)

    async def _page(
        self, subscriber: Subscriber, span: Span, limit: int
    ) -> "list[StoredEvent] | None":
        """A page of stored events; None where it cannot be read within `CATCH_UP_TIMEOUT_SECONDS`."""
        shop = channel_of(subscriber).shop
        try:
            async with asyncio.timeout(CATCH_UP_TIMEOUT_SECONDS):
                await self._included(span.end_positions())
                while True:
                    try:
                        return await self._events.page(shop, span, subscriber.filter, limit)
                    except (EngineUnavailable, EngineError) as error:
                        log.warning("what a subscriber missed cannot be read yet: %s", error)
                        await asyncio.sleep(RETRY_SECONDS)
        except TimeoutError:
            return None

    async def _deliver(
        self, subscriber: Subscriber, page: list[StoredEvent], wanted: SubscriptionFilter
    ) -> bool:
        """Writes a page; False where the client chose other types meanwhile, so that the page is read again."""
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
        try:
            frames = subscriber.encoding.events(events)
        except Exception as error:
            raise _NotEncoded from error
        subscriber.outlet.write(frames)
        await asyncio.sleep(0)
        while subscriber.paused is not None:
            await subscriber.reads.wait()

    def _done(self, task: "asyncio.Task[None]", subscriber: Subscriber) -> None:
        if subscriber.catching_up is task:  # the next one may have been started in the same turn
            subscriber.catching_up = None
        if task.cancelled() or (fault := task.exception()) is None:
            return
        log.error("the catch-up of a subscriber failed", exc_info=fault)
        if not subscriber.ended:
            subscriber.outlet.abort()
            self._hub.leave(subscriber)
