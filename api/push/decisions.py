"""Whether the pipeline accepted orders that cannot be judged here: their shop changes its words for statuses."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice

from api.freshness.tracker import RequiredPosition
from api.push.catch_up import CATCH_UP_TIMEOUT_SECONDS, RETRY_SECONDS
from api.push.channel import Channel, Entry
from api.push.replay import Replay
from api.push.stored_events import StoredEvents
from clickhouse.errors import EngineError, EngineUnavailable

log = logging.getLogger(__name__)

AT_ONCE = 1_000
"""Orders that one statement asks for, and one more."""


class PipelineDecisions:
    """Asks for the orders of a shop, whoever waits for them, in one statement for all that the pipeline has passed.
    `included` as for `CatchUps`; `includes` whether it would return at once."""

    def __init__(
        self,
        replay: Replay,
        events: StoredEvents,
        included: Callable[[Iterable[RequiredPosition]], Awaitable[None]],
        includes: Callable[[Iterable[RequiredPosition]], bool],
    ) -> None:
        self._replay = replay
        self._events = events
        self._included = included
        self._includes = includes
        self._tasks: dict[Channel, asyncio.Task[None]] = {}

    def start(self, channel: Channel) -> None:
        """Decides on all entries of the channel that are undecided, as a task; there is one at a time."""
        if channel.undecided and channel not in self._tasks:
            task = asyncio.create_task(self._run(channel), name="decide")
            self._tasks[channel] = task
            task.add_done_callback(lambda done: self._done(done, channel))

    async def _run(self, channel: Channel) -> None:
        while channel.undecided:
            first = channel.undecided[0]
            try:
                async with asyncio.timeout(CATCH_UP_TIMEOUT_SECONDS):
                    decided = await self._decide(channel, first)
            except TimeoutError:  # nor will the others be known sooner
                decided = dict.fromkeys([first, *channel.undecided])
                log.warning(
                    "orders of a shop are passed by, %d from %s:%d:%d on: not known if they stand",
                    len(decided),
                    *first.partition,
                    first.position.next - 1,
                )
            self._replay.decide(channel, decided)

    async def _decide(self, channel: Channel, first: Entry) -> dict[Entry, bool | None]:
        """Waits until the pipeline has passed the first entry; decides on it, and on the others that it has passed."""
        places = {first: (first.partition, first.position)}  # a skip may move it meanwhile
        await self._included([_required(first)])
        for one in islice(channel.undecided, AT_ONCE):
            if one is not first and self._includes([_required(one)]):
                places[one] = (one.partition, one.position)
        while True:
            try:
                accepted = await self._events.accepted(channel.shop, places.values())
                return {entry: place in accepted for entry, place in places.items()}
            except (EngineUnavailable, EngineError) as error:
                log.warning("what became of orders cannot be read yet: %s", error)
                await asyncio.sleep(RETRY_SECONDS)

    def _done(self, task: "asyncio.Task[None]", channel: Channel) -> None:
        del self._tasks[channel]
        if task.cancelled():
            return
        decided: dict[Entry, bool | None] = {}
        if (fault := task.exception()) is not None:
            log.error("deciding on orders of a shop failed", exc_info=fault)
            decided = dict.fromkeys(channel.undecided)
        # nobody else would bring on who waits for one that was evicted, or came since the last look
        self._replay.decide(channel, decided)


def _required(entry: Entry) -> RequiredPosition:
    return RequiredPosition(entry.partition, entry.position.epoch, entry.position.next)
