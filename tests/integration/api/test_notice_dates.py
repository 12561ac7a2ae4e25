"""`report:updated` has the local dates of the shop, in a zone that is an offset too."""

import json
from datetime import UTC, datetime
from typing import Any

from report_world import World

from clickhouse.client import ClickHouseClient
from pipeline.notifier import Notifier
from pipeline.producer import Message, Sent
from pipeline.retry import Backoff
from support.events import item, order, settings

NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)
CREATED = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)


class Publisher:
    def __init__(self) -> None:
        self.notified: list[dict[str, Any]] = []

    async def notices(self, messages: list[Message]) -> list[Sent]:
        self.notified += [json.loads(value)["data"] for _, value in messages]
        return []

    alerts = notices


async def _published() -> None: ...


async def test_dates_and_today_are_those_of_the_offset(engine: ClickHouseClient) -> None:
    world, publisher = World(engine, NOW), Publisher()
    zones = {"ahead": "UTC+5:30", "behind": "-03:00", "none": "Z"}
    for shop, zone in zones.items():
        bought = order(shop, "o-1", created=CREATED.isoformat(), items=[item("p-1", 2, "1.5")])
        await world.put([settings(shop, zone), bought])
    notifier = Notifier(engine, publisher, _published, lambda: 1, lambda: NOW, Backoff("notices"))
    notifier.changed({shop: [int(CREATED.timestamp())] for shop in zones})
    await notifier._notify(list(zones))
    totals = {"totalRevenue": 3, "totalOrders": 1, "totalItems": 2}
    assert publisher.notified == [
        {"dates": [day], "today": {"date": day, **totals}}
        for day in ("2026-11-23", "2026-11-22", "2026-11-22")
    ]
