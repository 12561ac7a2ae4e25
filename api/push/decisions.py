"""Whether the pipeline accepted orders that cannot be judged here: their shop changes its words for statuses."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from api.freshness.tracker import RequiredPosition
from api.push.catch_up import CATCH_UP_TIMEOUT_SECONDS, RETRY_SECONDS
from api.push.channel import Channel, Entry
from api.push.hub import Hub
from api.push.stored_events import StoredEvents
from clickhouse.errors import EngineError, EngineUnavailable

log = logging.getLogger(__name__)


class PipelineDecisions:
    """Asks for one order of a shop after the other, whoever waits for it. `included` as for `CatchUps`."""

    def __init__(
        self,
        hub: Hub,
        events: StoredEvents,
        included: Callable[[Iterable[RequiredPosition]], Awaitable[None]],
    ) -> None:
        self._hub = hub
        self._events = events
        self._included = included
        self._tasks: dict[Channel, asyncio.Task[None]] = {}

    def start(self, channel: Channel) -> None:
        """Decides on all entries of the channel that are undecided, as a task; there is one at a time."""
        if channel.undecided and channel not in self._tasks:
            task = asyncio.create_task(self._run(channel), name="decide")
            self._tasks[channel] = task
            task.add_done_callback(lambda done: self._done(done, channel))

    async def _run(self, channel: Channel) -> None:
        while channel.undecided:
            entry = channel.undecided[0]
            accepted = await self._accepted(channel.shop, entry)
            decided = {entry: accepted}
            if accepted is None:  # nor will the others be known sooner
                decided |= dict.fromkeys(channel.undecided)
                log.warning(
                    "orders of a shop are passed by, %d from %s:%d:%d on: not known if they stand",
                    len(decided),
                    *entry.partition,
                    entry.position.next - 1,
                )
            while channel.undecided and channel.undecided[0] in decided:  # else it was evicted
                channel.undecided.popleft()
            self._hub.decide(channel, decided)

    async def _accepted(self, shop: str, entry: Entry) -> bool | None:
        """None where it cannot be known within `CATCH_UP_TIMEOUT_SECONDS`."""
        partition, position = entry.partition, entry.position
        try:
            async with asyncio.timeout(CATCH_UP_TIMEOUT_SECONDS):
                await self._included([RequiredPosition(partition, position.epoch, position.next)])
                while True:
                    try:
                        return await self._events.has(shop, partition, position)
                    except (EngineUnavailable, EngineError) as error:
                        log.warning("what became of an order cannot be read yet: %s", error)
                        await asyncio.sleep(RETRY_SECONDS)
        except TimeoutError:
            return None

    def _done(self, task: "asyncio.Task[None]", channel: Channel) -> None:
        del self._tasks[channel]
        if task.cancelled():
            return
        decided: dict[Entry, bool | None] = {}
        if (fault := task.exception()) is not None:
            log.error("deciding on orders of a shop failed", exc_info=fault)
            decided = dict.fromkeys(channel.undecided)
            channel.undecided.clear()
        # nobody else would bring on who waits for one that was evicted, or came since the last look
        self._hub.decide(channel, decided)
