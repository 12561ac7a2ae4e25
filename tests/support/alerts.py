"""What was published on `shop.alerts`, each alert once, however often it was sent."""

import json
import uuid
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from support.kafka import QUIET
from support.waiting import eventually

ALERTS = "shop.alerts"
Event = dict[str, Any]


class Published:
    """Reads the topic from its beginning. `by_id` grows; an id that says two things fails the test."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        options = {"group.id": f"reader-{uuid.uuid4()}", "enable.auto.commit": False}
        options |= {"fetch.wait.max.ms": 20, "auto.offset.reset": "earliest"}
        self._consumer = Consumer({"bootstrap.servers": bootstrap, **QUIET, **options})
        self._consumer.assign([TopicPartition(ALERTS, n, 0) for n in range(partitions)])
        self.by_id: dict[str, Event] = {}

    def until(self, count: int, within: float = 30.0) -> list[Event]:
        """All of them, once there are at least so many."""

        def enough() -> bool:
            for message in self._consumer.consume(1000, 0.1):
                if message.error() is None:
                    self._take(json.loads(message.value() or b""), message.key())
            return len(self.by_id) >= count

        eventually(enough, within, f"{count} alerts", pause=0)
        return list(self.by_id.values())

    def close(self) -> None:
        self._consumer.close()

    def _take(self, event: Event, key: bytes | None) -> None:
        known = self.by_id.setdefault(event["id"], event)
        assert known == event, (known, event)
        assert key == f"{event['shopid']}/{event['data']['productId']}".encode(), (key, event)
