"""Real processes for the API's tests: engine, broker, API; and clients that speak to them."""

import asyncio
import itertools
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import httpx
import jwt
from aiokafka import AIOKafkaProducer

from clickhouse.client import ClickHouseClient
from pipeline.batch import assemble
from pipeline.changed_days import changed_days
from pipeline.decode import Run, decode
from pipeline.fence import Fence
from pipeline.snowflake import Snowflake
from pipeline.store import Known, Store
from shopstream.broker import TopicAdmin, epoch_of
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import ChangedDays, PipelineState, Progress, pipeline_progress
from shopstream.contracts.topics import INPUTS, NOTICES, ORDERS, TOPICS
from shopstream.settings import Settings
from support.warm import Warm

SECRET = secrets.token_hex(32)
PARTITIONS = 2
T = TypeVar("T")


def token(*shops: str, user: str = "u1", role: str = "admin", ttl: float = 600, **more: Any) -> str:
    claims = {"sub": user, "shops": list(shops), "role": role, "exp": time.time() + ttl, **more}
    return jwt.encode(claims, SECRET, algorithm="HS256")


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


async def eventually(
    ask: Callable[[], Awaitable[T]], accept: Callable[[T], bool] = bool, within: float = 10
) -> T:
    """Asks until the answer is accepted."""
    end = time.monotonic() + within
    while True:
        try:
            answer = await ask()
        except (httpx.TransportError, OSError) as error:
            answer = error
        else:
            if accept(answer):
                return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {within} s; the last answer was {answer!r}")
        await asyncio.sleep(0.02)


_latest = [datetime.now(UTC) - timedelta(days=1)]
"""In the past, however many instants are taken: `asOf` is never in the future."""


def later(seconds: float = 10) -> datetime:
    """An instant after all that were taken before: what the pipeline says never goes back."""
    _latest.append(_latest.pop() + timedelta(seconds=seconds))
    return _latest[0]


@dataclass
class Addresses:
    """The URL of the engine with a login, host:port of the broker, the port of the API."""

    clickhouse: str
    kafka: str
    port: int


@dataclass
class Child:
    """An API process and its log."""

    log: Path
    env: dict[str, str]
    process: Warm | None = None

    def start(self) -> None:
        self.process = Warm("api", self.log, {**os.environ, **self.env})

    def send(self, number: int) -> None:
        assert self.process
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM, within: float = 10) -> int:
        assert self.process
        self.process.send_signal(number)
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def text(self) -> str:
        return self.log.read_text()


HOOK_SECRETS = {
    "shopify": {"hooked": "of-shopify", "m/\u00fc/..": "of-a-shop-with-slashes"},
    "woocommerce": {"hooked": ["of-woo-old", "of-woo"]},
    "stripe": {"hooked": "whsec_of-stripe"},
}


def api_child(folder: Path, port: int, **settings: Any) -> Child:
    settings = {"jwt_secret": SECRET, **settings, "port": port}
    env = {
        f"SHOPSTREAM_{name.upper()}": str(value)
        for name, value in settings.items()
        if value is not None
    }
    return Child(folder / f"api-{port}.log", env)


@dataclass
class Kafka:
    """The broker's topics, and a producer."""

    settings: Settings
    producer: AIOKafkaProducer

    async def send(
        self, topic: str, value: bytes, key: bytes | None = None, partition: int = 0
    ) -> int:
        """The offset of the record."""
        sent = await self.producer.send_and_wait(topic, value, key=key, partition=partition)
        return sent.offset

    async def event(self, event: dict[str, Any], topic: str, partition: int = 0) -> int:
        return await self.send(topic, json.dumps(event).encode(), partition=partition)

    async def epoch(self, topic: str) -> int:
        return await asyncio.to_thread(self._epoch, topic)

    def _epoch(self, topic: str) -> int:
        with TopicAdmin(self.settings) as admin:
            found = admin.topic_ids([topic])[topic]
            assert found
            return epoch_of(found)

    async def progress(
        self,
        reached: dict[Partition, int],
        as_of: datetime,
        worker: str = "w1",
        touched: ChangedDays | None = None,
        **counters: float,
    ) -> None:
        """What a pipeline would say: everything before these offsets is in the reports.

        Partitions of topics that are not named have nothing, and hold nothing back.
        """
        named = {place.topic for place in reached}
        epochs = {topic: await self.epoch(topic) for topic in (INPUTS if named else ())}
        rest = {
            Partition(topic, number): Progress(epoch, 0, as_of + timedelta(hours=1))
            for topic, epoch in epochs.items()
            if topic not in named
            for number in range(PARTITIONS)
        }
        state = PipelineState(
            worker,
            rest | {p: Progress(epochs[p.topic], n, as_of) for p, n in reached.items()},
            counters,
            touched,
        )
        await self.send(NOTICES, pipeline_progress(state, secrets.token_hex(4), as_of))


@asynccontextmanager
async def kafka(bootstrap: str) -> AsyncIterator[Kafka]:
    """Creates the topics that are missing, once the broker answers."""
    settings = Settings(kafka_bootstrap=bootstrap, kafka_partitions=PARTITIONS)

    def create() -> None:
        end = time.monotonic() + 10
        while True:
            try:
                with TopicAdmin(settings) as admin:
                    admin.create_missing(TOPICS)
                return
            except Exception:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    await asyncio.to_thread(create)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=0)
    await producer.start()
    try:
        yield Kafka(settings, producer)
    finally:
        await asyncio.wait({asyncio.ensure_future(producer.stop())}, timeout=1)


@dataclass(frozen=True)
class Sse:
    """One received event; `id` None where it had no id line."""

    id: str | None
    event: str
    data: Any
    raw: str


class Stream:
    """Events of an open stream, as they come, but for who is connected: that has tests of its own."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._events = _parse(response.aiter_lines())

    async def next(self, within: float = 5) -> Sse:
        async with asyncio.timeout(within):
            return await anext(self._events)

    async def until(self, kind: str, within: float = 10) -> Sse:
        async with asyncio.timeout(within):
            while (event := await anext(self._events)).event != kind:
                pass
        return event

    async def order(self, order: str, within: float = 10) -> Sse:
        """The event of this order; others are passed over."""
        async with asyncio.timeout(within):
            while (event := await self.until("order:created")).data["data"]["orderId"] != order:
                pass
        return event

    async def rest(self, within: float = 5) -> list[Sse]:
        """Everything to the end of the stream."""
        async with asyncio.timeout(within):
            return [event async for event in self._events]


async def _parse(lines: AsyncIterator[str]) -> AsyncIterator[Sse]:
    fields: dict[str, str] = {}
    async for line in lines:
        if not line:
            if "data" in fields:
                data = json.loads(fields["data"])
                if fields["event"] != "presence:changed":
                    yield Sse(fields.get("id"), fields["event"], data, fields["data"])
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")


@asynccontextmanager
async def stream(
    http: httpx.AsyncClient, path: str = "/events", headers: dict[str, str] | None = None
) -> AsyncIterator[Stream]:
    async with http.stream("GET", path, headers=headers, timeout=30) as response:
        if response.status_code != 200:
            await response.aread()
        yield Stream(response)


def order_event(
    shop: str, order: str = "o1", kind: str = "order:created", **more: Any
) -> dict[str, Any]:
    at = "2026-11-22T10:15:30.123Z"
    return {
        "specversion": "1.0",
        "id": secrets.token_hex(6),
        "source": "/test",
        "type": kind,
        "shopid": shop,
        **more,
        "data": {
            "orderId": order,
            "status": "paid",
            "currency": "EUR",
            "createdAt": at,
            "updatedAt": at,
            "items": [{"productId": "p1", "quantity": 1, "unitPrice": "12.50"}],
        },
    }


@dataclass(frozen=True)
class Line:
    product: str
    quantity: int
    price: str
    name: str | None = None
    refunded: int = 0


@dataclass(frozen=True)
class Order:
    """One version of an order as the pipeline would store it; `total` None is the sum of its lines."""

    shop: str
    order: str
    created: str
    lines: tuple[Line, ...]
    currency: str = "EUR"
    status: str = "paid"
    updated: int = 1
    """Seconds after creation."""


_offsets = itertools.count()
_numbers = Snowflake()


async def store(engine: ClickHouseClient, orders: Iterable[Order]) -> None:
    """Writes orders and feeds the windows, as one batch."""
    events = [_event(order) for order in orders]
    await write(engine, ORDERS, [json.dumps(event).encode() for event in events])


async def write(
    engine: ClickHouseClient, topic: str, values: Iterable[bytes]
) -> ChangedDays | None:
    """What the pipeline does with records that it accepts, without Kafka: they are one batch.

    Returns:
        What it touched.
    """
    records = [
        SimpleNamespace(offset=next(_offsets), timestamp=0, key=None, value=value, headers=())
        for value in values
    ]
    batch = assemble(_numbers.next(), [decode(topic, [Run(0, 0, records)])])
    assert not batch.refused, batch.refused
    there, fence = Store(engine, "test"), Fence({})
    new = topic != ORDERS or (await there.created_at_conflicts(batch)).new
    lookups = await there.lookups(batch, new)
    await there.store(batch, fence)
    await there.apply(topic, batch.id, fence, Known(lookups, small=True, parts=True))
    return changed_days(batch, (await there.changed(topic, batch.id)).slots, lookups)


def _event(order: Order) -> dict[str, Any]:
    created = datetime.fromisoformat(order.created)
    event = order_event(order.shop, order.order, kind="order:updated")
    event["data"] |= {
        "status": order.status,
        "currency": order.currency,
        "createdAt": created.isoformat(),
        "updatedAt": (created + timedelta(seconds=order.updated)).isoformat(),
        "items": [_line(line) for line in order.lines],
    }
    return event


def _line(line: Line) -> dict[str, Any]:
    return {
        "productId": line.product,
        "quantity": line.quantity,
        "unitPrice": line.price,
        "name": line.name,
        "refundedQuantity": line.refunded,
    }
