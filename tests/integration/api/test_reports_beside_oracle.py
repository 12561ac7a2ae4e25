"""Every report of random shops, in many time zones, beside an independent reckoning of the same events."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from report_world import World

from api.reports import statements
from clickhouse.client import ClickHouseClient
from oracle.compare import of_events
from oracle.difference import tree_differences
from oracle.report import Reports
from support.system import FULL

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "America/Havana",
    "Africa/Casablanca",
    "UTC+5:30",
    "GMT-3",
)
AFTER_EACH_BATCH = ("America/St_Johns", "Pacific/Apia")
AT_THE_END = ("America/Havana", "Asia/Kathmandu", "UTC+5:30")
"""Each kind of zone once: offsets of half and quarter hours, days that begin twice or are not; others are long."""
SPANS = 8 if FULL else 4
"""Random periods that are asked for, in each kind of report."""
LONG = [pytest.mark.slow, pytest.mark.skipif(not FULL, reason="SHOPSTREAM_FULL=1 runs it")]
FIRST, DAYS = datetime(2026, 9, 20, tzinfo=UTC), 60
NOW = datetime(2026, 11, 5, 23, 30, tzinfo=UTC)


class Events:
    """Random events of a shop, around the autumn's changes of the clocks."""

    def __init__(self, shop: str, zone: str, seed: int) -> None:
        self.shop, self.zone = shop, zone
        self.currency = "KWD" if zone[:3] in ("UTC", "GMT") else "EUR"
        self.draw = random.Random(seed)
        self.made = 0
        self.created = [self.moment() for _ in range(60)]

    def moment(self) -> datetime:
        return FIRST + timedelta(seconds=self.draw.randrange(DAYS * 86400))

    def event(self, kind: str, **data: Any) -> dict[str, Any]:
        self.made += 1
        head = {"specversion": "1.0", "id": f"e{self.made}", "source": "/test", "type": kind}
        return {**head, "shopid": self.shop, "data": data}

    def all(self) -> list[dict[str, Any]]:
        found = [self.order() for _ in range(120)]
        found += [self.payment() for _ in range(40)]
        found += [self.level() for _ in range(30)]
        found += [self.visit() for _ in range(200)]
        found += [self.purchase() for _ in range(10)]
        found += [self.event("shop:updated", **self.settings())]
        self.draw.shuffle(found)
        return found

    def one_of_each_topic(self, name: str) -> Iterator[dict[str, Any]]:
        """Each of something new, or later than all else, of the day before `NOW`."""
        at, last = ((NOW + timedelta(days=days)).isoformat() for days in (-1, 30))
        order = {"orderId": name, "createdAt": at, "placedAt": None, "updatedAt": last}
        yield _with(self.order(), **order, status="paid", currency=self.currency)
        yield _with(self.payment(), paymentId=name, at=at, currency=self.currency)
        yield _with(self.visit(), sessionId=name, at=at)
        yield _with(self.level(), name=name, updatedAt=last)
        yield _with(self.purchase(), purchaseId=name, at=at) | {"type": "purchase:created"}
        self.zone = self.draw.choice(ZONES)
        yield _with(self.event("shop:updated", **self.settings()), updatedAt=last)

    def settings(self) -> dict[str, Any]:
        more = {"lowStockThreshold": 4} if self.draw.random() < 0.5 else {}
        at = self.moment().isoformat()
        return {
            "name": "A",
            "timezone": self.zone,
            "currency": self.currency,
            "updatedAt": at,
            **more,
        }

    def order(self) -> dict[str, Any]:
        number = self.draw.randrange(len(self.created))
        created = self.created[number]
        updated = created + timedelta(seconds=self.draw.randrange(10**6))
        return self.event(
            "order:updated",
            orderId=f"o{number}",
            status=self.draw.choice(["paid", "paid", "shipped", "cancelled", "refunded"]),
            currency=self.draw.choice([*[self.currency] * 3, "USD", "CHF"]),
            createdAt=created.isoformat(),
            placedAt=self.moment().isoformat() if self.draw.random() < 0.15 else None,
            updatedAt=updated.isoformat(),
            items=[self.line() for _ in range(self.draw.randint(1, 3))],
        )

    def line(self) -> dict[str, Any]:
        quantity = self.draw.randint(1, 4)
        name = {"name": f"N{self.draw.randrange(100)}"} if self.draw.random() < 0.4 else {}
        refunded = {"refundedQuantity": self.draw.randint(0, quantity)}
        return {
            "productId": f"p{self.draw.randrange(14)}",
            "quantity": quantity,
            "unitPrice": f"{self.draw.randrange(100)}.{self.draw.randrange(10000):04}",
            **name,
            **(refunded if self.draw.random() < 0.3 else {}),
        }

    def payment(self) -> dict[str, Any]:
        return self.event(
            self.draw.choice(["payment:received", "payment:failed"]),
            paymentId=f"y{self.draw.randrange(30)}",
            amount=str(self.draw.randrange(1000)),
            currency=self.draw.choice([self.currency, self.currency, "USD"]),
            at=self.moment().isoformat(),
        )

    def level(self) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if self.draw.random() < 0.5:
            more["locationId"] = self.draw.choice(["a", "b"])
        if self.draw.random() < 0.5:
            more["name"] = f"L{self.draw.randrange(100)}"
        if self.draw.random() < 0.3:
            more["lowStockThreshold"] = self.draw.randrange(8)
        product, quantity = f"p{self.draw.randrange(8)}", self.draw.randrange(-3, 20)
        at = self.moment().isoformat()
        return self.event(
            "inventory:updated", productId=product, quantity=quantity, updatedAt=at, **more
        )

    def visit(self) -> dict[str, Any]:
        at = self.moment().replace(second=0)
        if self.draw.random() < 0.7:  # around midnights, where a session may count twice
            at = at.replace(hour=self.draw.choice([0, 1, 4, 5, 10, 13, 18, 22, 23]))
        session = f"v{self.draw.randrange(40)}"
        return self.event("storefront:visited", sessionId=session, at=at.isoformat())

    def purchase(self) -> dict[str, Any]:
        items = [{"productId": f"p{self.draw.randrange(8)}", "quantity": 3, "unitCost": "1"}]
        kind = self.draw.choice(["purchase:created", "purchase:received"])
        number, at = self.draw.randrange(7), self.moment().isoformat()
        return self.event(kind, purchaseId=f"b{number}", supplierId="s", items=items, at=at)


def requests(
    shop: str, draw: random.Random, reports: Reports, spans: int
) -> list[tuple[str, dict[str, Any]]]:
    """Paths, each with the body that the reckoning gives."""
    found: list[tuple[str, dict[str, Any]]] = [
        ("/reports/weekly-sales", reports.weekly_sales(shop, None, NOW)),
        ("/reports/monthly-sales", reports.monthly_sales(shop, None, None, NOW)),
        ("/reports/monthly-sales?month=10", reports.monthly_sales(shop, None, 10, NOW)),
        ("/reports/metrics?days=366", reports.metrics(shop, NOW, 366)),
        ("/reports/trends?days=366", reports.trends(shop, NOW, 366)),
        ("/reports/trends", reports.trends(shop, NOW)),
        ("/stock", reports.stock(shop, NOW)),
        ("/stock?low=true", reports.stock(shop, NOW, True)),
        ("/stock?low=false", reports.stock(shop, NOW, False)),
    ]
    gone = date(2011, 12, 30)  # in Apia there was no such day
    found += [
        (
            f"/reports/metrics?startDate={gone}&endDate={gone}",
            reports.metrics(shop, NOW, (gone, gone)),
        ),
        (f"/reports/daily-sales?date={gone}", reports.daily_sales(shop, gone, NOW)),
    ]
    for _ in range(spans):
        day = date(2026, 9, 18) + timedelta(days=draw.randrange(64))
        last = day + timedelta(days=draw.randrange(30))
        period = f"startDate={day}&endDate={last}"
        found += [
            (f"/reports/daily-sales?date={day}", reports.daily_sales(shop, day, NOW)),
            (f"/reports/weekly-sales?startDate={day}", reports.weekly_sales(shop, day, NOW)),
            (f"/reports/metrics?{period}", reports.metrics(shop, NOW, (day, last))),
            (f"/reports/trends?{period}", reports.trends(shop, NOW, (day, last))),
        ]
    return found


@pytest.mark.parametrize(
    "zone", [pytest.param(zone, marks=[] if zone in AT_THE_END else LONG) for zone in ZONES]
)
async def test_every_report_is_what_the_events_say(engine: ClickHouseClient, zone: str) -> None:
    number = ZONES.index(zone)
    world = World(engine, NOW)
    events = Events(f"oracle-{number}", zone, number)
    for some in _thirds(events.all()):
        await world.put(some)
    assert await _differences(world, events, zone) == []


@pytest.mark.parametrize(
    ("zone", "rows"),
    [
        *(
            pytest.param(zone, None, marks=[] if zone in AFTER_EACH_BATCH else LONG)
            for zone in ZONES
        ),
        ("Europe/Berlin", 1),
    ],
)
async def test_what_is_kept_is_what_the_events_say_after_each_batch(
    engine: ClickHouseClient, monkeypatch: pytest.MonkeyPatch, zone: str, rows: int | None
) -> None:
    """`rows`: how many are read at once; with one, every shop is a big one."""
    if rows:
        monkeypatch.setattr(statements, "ROWS_AT_ONCE", rows)
    number = ZONES.index(zone)
    world = World(engine, NOW, told=True)
    events = Events(f"told-{number}-{rows}", zone, number)
    everything = events.all()
    for some in _thirds(everything):
        await world.put(some)
        assert await _differences(world, events, zone) == []
    for _ in range(3 if FULL else 1):
        await world.put(events.draw.sample(everything, 3))
        await world.put([events.order()])
        assert await _differences(world, events, zone) == []


async def test_no_report_lacks_a_single_event_of_any_topic(engine: ClickHouseClient) -> None:
    zone = "Europe/Berlin"
    world = World(engine, NOW, told=True)
    events = Events("told-each", zone, 77)
    await world.put(events.all())
    assert await _differences(world, events, zone, spans=0) == []
    lacking = {}
    for one in events.one_of_each_topic("each"):
        await world.put([one])
        lacking[one["type"]] = await _differences(world, events, zone, spans=0)
    assert len(lacking) == 6
    assert [kind for kind, lines in lacking.items() if lines] == [], lacking


def _with(event: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {**event, "data": event["data"] | data}


def _thirds(everything: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    third = len(everything) // 3
    return [everything[start : start + third] for start in range(0, len(everything), third)]


async def _differences(world: World, events: Events, zone: str, spans: int = SPANS) -> list[str]:
    draw = random.Random(zone)
    lines = []
    for path, expected in requests(events.shop, draw, Reports(world.book), spans):
        body = of_events(await world.get(events.shop, path))
        lines += tree_differences(f"{zone} {path}", expected, body)
    return lines
