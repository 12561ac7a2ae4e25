"""The epochs of the topics that this worker reads: an offset of a topic that was recreated must not pass for one of the
new topic.

The epoch of a topic is the CRC32 of its topic id (`shopstream.broker.epoch_of`), 0 with a broker that has no topic ids.
Kafka gives a recreated topic another id, so offsets are comparable only within one epoch. It is not Kafka's leader
epoch, which belongs to a partition and grows with each election.
"""

import asyncio
from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from shopstream.broker import BrokerUnreachable, epoch_of


class TopicIds(Protocol):
    """Blocking; raises `BrokerUnreachable`."""

    def topic_ids(self, names: Collection[str], /) -> dict[str, UUID | None]: ...


class TopicRecreated(Exception):
    """A topic was deleted, or deleted and created again, while it was read; only a restart is safe."""


class TopicMissing(BrokerUnreachable):
    """A topic does not exist yet; `shopstream migrate` makes it. Retried as a broker that does not answer."""

    def __init__(self, topic: str) -> None:
        super().__init__("Kafka", f"no topic {topic}")
        self.args = (f"topic {topic} does not exist; `shopstream migrate` makes it",)


class Epochs:
    """Epochs of the topics since this worker first saw them."""

    def __init__(self, ids: TopicIds) -> None:
        self._ids = ids
        self._known: dict[str, int] = {}
        self._lock = asyncio.Lock()

    def of(self, topic: str) -> int:
        """The epoch of a topic that `check` has seen."""
        return self._known[topic]

    async def check(self, topics: Collection[str]) -> None:
        """Compares the topics with what was seen before.

        Raises:
            TopicRecreated: one is no longer the topic that it was.
            TopicMissing: one was never seen and does not exist.
            BrokerUnreachable: nobody answers.
        """
        found = await self._ask(topics)
        for topic, topic_id in found.items():
            epoch = epoch_of(topic_id) if topic_id else None
            if epoch is None and topic not in self._known:
                raise TopicMissing(topic)
            if epoch is None or self._known.setdefault(topic, epoch) != epoch:
                raise TopicRecreated(f"topic {topic} was deleted or created again")

    async def present(self, topic: str) -> int:
        """The epoch of a topic as it is now, whatever it was before.

        Raises:
            BrokerUnreachable: nobody answers, or there is no such topic at this moment.
        """
        topic_id = (await self._ask([topic]))[topic]
        if topic_id is None:
            raise BrokerUnreachable("Kafka", f"topic {topic} does not exist")
        return epoch_of(topic_id)

    async def _ask(self, topics: Collection[str]) -> dict[str, UUID | None]:
        async with self._lock:  # its client serves one thread at a time
            return await asyncio.to_thread(self._ids.topic_ids, sorted(topics))
