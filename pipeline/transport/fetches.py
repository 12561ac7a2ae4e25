"""Watches aiokafka's fetch requests: when each was sent, and where the log then ended.

ListOffsets would ask the same, with an extra request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition
from faust.types import TP


class Sample(NamedTuple):
    """A fetch from offset `asked`, sent at `asked_at` (of the steady clock), saw `log_end`."""

    tp: TP
    asked_at: float
    asked: int
    log_end: int


class WatchedClient:
    """aiokafka's client as its fetcher sees it, with every fetch response reported.

    Lives in the consumer's thread, and so does `report`.
    """

    def __init__(
        self,
        client: Any,
        subscriptions: Any,
        clock: Callable[[], float],
        report: Callable[[list[Sample]], None],
    ) -> None:
        self._client = client
        self._subscriptions = subscriptions
        self._clock = clock
        self._report = report

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def send(self, node_id: int, request: Any, **kwargs: Any) -> Any:
        """Send a request; a fetch is reported when its response arrives."""
        asked_at = self._clock()
        response = await self._client.send(node_id, request, **kwargs)
        if isinstance(request, FetchRequest):
            found = list(samples(request, response, asked_at))
            if current := [sample for sample in found if self._is_current(sample)]:
                self._report(current)
        return response

    def _is_current(self, sample: Sample) -> bool:
        # A response to a position from before a seek or a rebalance says nothing of this one.
        subscription = self._subscriptions.subscription
        assignment = subscription and subscription.assignment
        if not assignment or not assignment.active:
            return False
        state = assignment.state_value(TopicPartition(*sample.tp))
        return bool(state and state.has_valid_position and state.position == sample.asked)


def samples(request: Any, response: Any, asked_at: float) -> Iterator[Sample]:
    """The samples in one fetch response; partitions with an error give none."""
    asked = {
        TP(topic, partition): offset
        for topic, partitions in request.topics
        for partition, offset, _ in partitions
    }
    for topic, partitions in response.topics:
        for partition, error, high_watermark, *_ in partitions:
            tp = TP(topic, partition)
            if error == 0 and tp in asked:
                # Not the last stable offset, up to which read_committed reads: the records of an
                # open transaction have reached Kafka, and are not included until it ends.
                yield Sample(tp, asked_at, asked[tp], high_watermark)
