"""What was published once is stored, and not published again because storing it failed."""

import asyncio
from typing import Any

import orjson
import pyarrow as pa
import pytest

from clickhouse.errors import EngineUnavailable
from pipeline import retry
from pipeline.producer import Message, Sent
from pipeline.retry import Backoff
from pipeline.storing_publisher import StoringPublisher
from shopstream.broker import BrokerUnreachable

NOTICE: Message = (b"s", orjson.dumps({"shopid": "s", "type": "report:updated"}))


class Broker:
    def __init__(self) -> None:
        self.sent: list[Message] = []

    async def send(self, _: str, messages: list[Message]) -> list[Sent]:
        self.sent += messages
        return [Sent(0, len(self.sent) - 1, 1) for _ in messages]


class Table:
    """An engine that is away for the first `failures` inserts."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.rows: list[dict[str, Any]] = []

    async def insert(self, name: str, table: pa.Table, settings: Any) -> None:
        if self.failures:
            self.failures -= 1
            raise EngineUnavailable("away")
        self.rows += table.to_pylist()


def published(broker: Broker, table: Table, topic: bool = True) -> StoringPublisher:
    async def epoch(_: str) -> int:
        if not topic:
            raise BrokerUnreachable("Kafka", "no topic")
        return 7

    return StoringPublisher(broker, table, epoch, Backoff("notices"))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.001)


def test_a_notice_is_published_once_though_storing_it_fails() -> None:
    broker, table = Broker(), Table(failures=3)
    asyncio.run(published(broker, table).notices([NOTICE]))
    assert broker.sent == [NOTICE]
    assert [(row["offset"], row["epoch"]) for row in table.rows] == [(0, 7)]


def test_alerts_are_left_to_their_batch_which_is_tried_again() -> None:
    broker, table = Broker(), Table(failures=1)
    with pytest.raises(EngineUnavailable):
        asyncio.run(published(broker, table).alerts([NOTICE]))
    assert table.rows == []


def test_nothing_is_published_where_the_epoch_is_not_known() -> None:
    broker = Broker()
    with pytest.raises(BrokerUnreachable):
        asyncio.run(published(broker, Table(0), topic=False).notices([NOTICE]))
    assert broker.sent == []
