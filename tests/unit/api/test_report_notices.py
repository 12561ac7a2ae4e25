"""What the reader of Kafka does with `shop.notices`, as far as kept answers depend on it."""

import json
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from api.freshness.tracker import FreshnessTracker
from api.push.hub import Hub
from api.push.topic_reader import TopicReader
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.topics import NOTICES

PARTITION = Partition(NOTICES, 0)


def notice(offset: int, **event: Any) -> Any:
    value = json.dumps({"type": "report:updated", "specversion": "1.0", **event}).encode()
    return SimpleNamespace(offset=offset, timestamp=0, value=value, headers=())


class Reading:
    """Has read notices up to offset 5."""

    def __init__(self) -> None:
        self.tracker = FreshnessTracker()
        self.reader = TopicReader({}, Hub(lambda: 0.0), self.tracker, lambda: 0.0)
        self.begin(5)

    def begin(self, offset: int) -> None:
        self.reader._begin({PARTITION: Position(1, offset)}, {PARTITION: 1})

    async def reads(self, *records: Any) -> None:
        await self.reader._dispatcher.dispatch({TopicPartition(*PARTITION): records})

    def changes(self) -> tuple[int, int]:
        """Of two shops."""
        one, two = (self.tracker.freshness(shop, readable=True).changes for shop in ("s1", "s2"))
        return one, two


async def test_a_notice_changes_its_shop_alone() -> None:
    reading = Reading()
    before = reading.changes()
    await reading.reads(notice(5, shopid="s1"), notice(6, shopid="s1"))
    after = reading.changes()
    assert (after[0] > before[0], after[1] == before[1]) == (True, True)


async def test_progress_changes_no_shop() -> None:
    reading = Reading()
    before = reading.changes()
    data = {"worker": "w", "partitions": [], "counters": {}, "kinds": {}}
    await reading.reads(notice(5, type="pipeline:progress", data=data))
    assert reading.changes() == before
    assert reading.tracker.freshness("s1", readable=True).heard


async def test_a_hole_in_the_notices_changes_every_shop() -> None:
    reading = Reading()
    before = reading.changes()
    data = {"worker": "w", "partitions": [], "counters": {}, "kinds": {}}
    await reading.reads(notice(7, type="pipeline:progress", data=data))
    assert min(reading.changes()) > max(before)


async def test_a_new_beginning_changes_every_shop() -> None:
    reading = Reading()
    before = reading.changes()
    reading.begin(6)
    assert min(reading.changes()) > max(before)


async def test_a_notice_that_cannot_be_read_changes_every_shop() -> None:
    reading = Reading()
    before = reading.changes()
    await reading.reads(SimpleNamespace(offset=5, timestamp=0, value=b"{", headers=()))
    assert min(reading.changes()) > max(before)


async def test_a_word_that_cannot_be_read_changes_every_shop() -> None:
    for number, kinds in enumerate(([], {"s1": 5}, "s1")):
        reading = Reading()
        before = reading.changes()
        data = {"worker": "w", "partitions": [], "counters": {}, "kinds": kinds}
        await reading.reads(notice(5, type="pipeline:progress", data=data))
        assert min(reading.changes()) > max(before), number
