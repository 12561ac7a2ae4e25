"""Who listens to shop.alerts, through every death of the broker."""

import json
import uuid
from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from oracle.book import Book
from support.kafka import QUIET
from support.system import System

ALERTS = "shop.alerts"
Told = tuple[Any, ...]


class AlertListener:
    """Every alert that was heard, by id."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._consumer: Consumer | None = None
        self.heard: dict[str, bytes] = {}
        self.messages = 0
        self.changed: set[str] = set()
        """Ids under which two different things were told."""

    def listen(self, seconds: float = 0.0) -> int:
        """What is new; how many messages that were."""
        if self._consumer is None:
            options = {"group.id": f"listener-{uuid.uuid4()}", "enable.auto.commit": False}
            self._consumer = Consumer(
                {"bootstrap.servers": self._system.bootstrap, **QUIET, **options}
            )
            count = self._system.settings.kafka_partitions
            self._consumer.assign([TopicPartition(ALERTS, number, 0) for number in range(count)])
        new = [m for m in self._consumer.consume(1000, seconds) if m.error() is None]
        for message in new:
            value = message.value() or b""
            name = json.loads(value)["id"]
            if self.heard.setdefault(name, value) != value:
                self.changed.add(name)
        self.messages += len(new)
        return len(new)

    def told(self) -> Counter[Told]:
        """What was said, each as often as there are ids for it."""
        return Counter(
            _told(json.loads(value, parse_float=Decimal)) for value in self.heard.values()
        )


def expected(book: Book) -> Counter[Told]:
    """What must be said."""
    return Counter(
        (c.shop, c.product, c.location, c.low, c.quantity, c.threshold, c.at)
        for c in book.crossings
    )


def _told(event: dict[str, Any]) -> Told:
    data = event["data"]
    what = (event["type"] == "stock:low", data["quantity"], data["threshold"])
    when = datetime.fromisoformat(event["time"])
    return (event["shopid"], data["productId"], data["locationId"], *what, when)
