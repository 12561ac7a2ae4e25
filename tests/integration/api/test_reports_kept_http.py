"""How long a running API gives the same answer: notices, progress, `includes`, and what `asOf` says meanwhile."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import httpx
import pytest
from api_harness import Kafka, Line, Order, bearer, eventually, later, order_event, store, token

from clickhouse.client import ClickHouseClient
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import SALES, Today, report_updated
from shopstream.contracts.topics import NOTICES, ORDERS

DAY = "/reports/daily-sales?date=2026-11-22"
TODAY = (date(2026, 11, 22) - date(1970, 1, 1)).days
PLACE = Partition(ORDERS, 1)
_numbers = count(1)


@dataclass
class Shop:
    """A shop, and a pipeline that says how far it is."""

    name: str
    http: httpx.AsyncClient
    engine: ClickHouseClient
    broker: Kafka
    offset: int = 0

    async def body(self, path: str = DAY) -> dict[str, Any]:
        answer = await self.http.get(path, headers=bearer(token(self.name)))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def orders(self, path: str = DAY) -> int:
        return int((await self.body(path))["totalOrders"])

    async def sells(self) -> None:
        """An order is in the tables; nobody was told yet."""
        number = next(_numbers)
        line = Line("p1", 1, "1")
        order = Order(self.name, f"o{number}", "2026-11-22T10:00:00+00:00", (line,))
        await store(self.engine, [order])

    async def arrives(self) -> int:
        """Its record in Kafka: the offset."""
        self.offset = await self.broker.event(order_event(self.name), ORDERS, partition=1)
        return self.offset

    async def says(self) -> datetime:
        """The pipeline is behind the last record, and up to this instant."""
        as_of = later(0.1)
        reached = {PLACE: self.offset + 1, Partition(ORDERS, 0): 0}
        await self.broker.progress(reached, as_of, touched={self.name: {SALES: {TODAY}}})
        return as_of

    async def notice(self) -> None:
        """After the progress that it is about, as a pipeline publishes them."""
        await self.broker.progress({}, datetime.now(UTC), touched={self.name: {SALES: {TODAY}}})
        today = Today(date(2026, 11, 22), Decimal(0), 0, 0)
        value = report_updated(
            self.name, secrets.token_hex(4), datetime.now(UTC), [today.date], today
        )
        await self.broker.send(NOTICES, value)


@pytest.fixture
async def shop(
    http: httpx.AsyncClient, engine: ClickHouseClient, broker: Kafka
) -> AsyncIterator[Shop]:
    made = Shop(f"k-{secrets.token_hex(4)}", http, engine, broker)
    await made.arrives()
    await made.says()
    await made.body(f"{DAY}&includes={ORDERS}:1:{made.offset}")
    async with talking(made):
        yield made


@asynccontextmanager
async def talking(shop: Shop) -> AsyncIterator[None]:
    """The pipeline says twice a second that it is there, and nothing new."""

    async def talk() -> None:
        while True:
            await shop.broker.progress({}, datetime.now(UTC), touched={})
            await asyncio.sleep(0.4)

    task = asyncio.create_task(talk())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def text(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")


async def test_an_answer_is_given_again_until_a_notice_of_its_shop(shop: Shop) -> None:
    assert await shop.orders() == 0
    await shop.sells()
    await asyncio.sleep(1.2)  # longer than an answer is kept without notices
    assert await shop.orders() == 0
    await shop.notice()
    await eventually(shop.orders, lambda orders: orders == 1, 3)


async def test_a_notice_of_another_shop_changes_nothing_here(shop: Shop) -> None:
    assert await shop.orders() == 0
    other = Shop(f"k-{secrets.token_hex(4)}", shop.http, shop.engine, shop.broker)
    assert await other.orders() == 0
    await shop.sells()
    await other.sells()
    await other.notice()
    await eventually(other.orders, lambda orders: orders == 1, 3)
    assert await shop.orders() == 0


async def test_as_of_never_says_more_than_the_answer_has(shop: Shop) -> None:
    before = await shop.body()
    await shop.sells()
    offset = await shop.arrives()
    as_of = await shop.says()
    other = Shop(f"k-{secrets.token_hex(4)}", shop.http, shop.engine, shop.broker)
    body = await other.body(f"{DAY}&includes={ORDERS}:1:{offset}")
    assert body["asOf"] == text(as_of)
    kept = await shop.body()
    assert (kept["totalOrders"], kept["asOf"]) == (0, before["asOf"])
    await shop.notice()
    fresh = await eventually(shop.body, lambda body: body["totalOrders"] == 1, 3)
    assert fresh["asOf"] >= text(as_of)


async def test_includes_never_gets_an_answer_from_before_its_record(shop: Shop) -> None:
    for number in range(1, 6):
        assert await shop.orders() >= 0
        offset = await shop.arrives()
        waiting = asyncio.create_task(shop.orders(f"{DAY}&includes={ORDERS}:1:{offset}"))
        await asyncio.sleep(0.05)
        assert await shop.orders() <= number
        await shop.sells()
        await shop.says()
        assert await asyncio.wait_for(waiting, 5) == number


async def test_every_report_hears_the_notice(shop: Shop) -> None:
    paths = {
        DAY: lambda body: body["totalOrders"],
        "/reports/weekly-sales?startDate=2026-11-16": lambda body: body["totalOrders"],
        "/reports/monthly-sales?year=2026&month=11": lambda body: body["totalOrders"],
        "/reports/metrics?startDate=2026-11-22&endDate=2026-11-22": lambda body: body[
            "totalOrders"
        ],
        "/reports/trends?startDate=2026-11-22&endDate=2026-11-22": lambda body: body["series"][0][
            "totalOrders"
        ],
    }
    for path, orders in paths.items():
        assert orders(await shop.body(path)) == 0
    await shop.sells()
    await shop.notice()
    for path, orders in paths.items():
        await eventually(lambda path=path: shop.body(path), lambda body, o=orders: o(body) == 1, 3)


async def test_many_at_once_get_the_same(shop: Shop) -> None:
    await shop.notice()
    answers = await asyncio.gather(*(shop.body() for _ in range(40)))
    assert len({str(body) for body in answers}) == 1
