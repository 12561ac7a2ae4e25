"""What shops say beside their orders: each maker draws versions of one thing, in the order of writing.

Event ids begin with `serial`, which is another at each call: an id is of one event, whatever is said twice.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from oracle.days import zone_of
from support.events import bought, level, payment, purchase, settings, supplier, visit

Event = dict[str, Any]
ZONES = (
    "Asia/Kathmandu",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Apia",
    "UTC+5:30",
    "-03:00",
)
"""5:45 ahead; an hour in October; half an hour in October; 3:30 behind; 13 ahead; two fixed offsets."""
CURRENCIES = ("EUR", "EUR", "EUR", "USD", "JPY", "KWD")
WORDS = {"on-hold": "pending", "Storniert": "cancelled", "versendet": "shipped"}
"""Of shops that have some of their own, for statuses."""
MAY_COUNT = ("pending", "paid", "shipped", "delivered", "completed", "refunded")
FIRST_DAY = date(2026, 9, 1)
DAYS = 90


def opening(shop: str, number: int, lasting: Mapping[str, Any]) -> Event:
    """The first settings of a shop; what is `lasting` stays."""
    zone = ZONES[number % len(ZONES)]
    return settings(shop, zone, "EUR", version=-100, event_id=f"{shop}-open", **lasting)


def instant(chance: random.Random) -> str:
    """Some time of the ninety days; now and then in the minutes around a midnight, or in last October's."""
    if chance.random() < 0.5:
        start = datetime(2026, 9, 1, tzinfo=UTC)
        return text(start + timedelta(microseconds=chance.randrange(DAYS * 86_400_000_000)))
    return text(_midnight(chance) + timedelta(minutes=chance.randrange(-40, 41)))


def _midnight(chance: random.Random) -> datetime:
    day = chance.choice((date(2026, 10, 4), date(2026, 10, 25), date(2026, 11, 1)))
    if chance.random() < 0.5:
        day = FIRST_DAY + timedelta(days=chance.randrange(DAYS))
    zone = zone_of(chance.choice(ZONES))
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def text(when: datetime) -> str:
    return when.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def level_of(chance: random.Random, shop: str, number: int, serial: str) -> Iterator[Event]:
    """Up and down around thresholds, its own or 10."""
    quantity = chance.randrange(-3, 30)
    second = float(chance.randrange(100))
    more: dict[str, Any] = {"locationId": f"l-{number % 3}"} if number % 3 else {}
    for step in range(chance.randrange(1, 9)):
        second += chance.choice((0, 0.5, 3))
        quantity += chance.randrange(-15, 16)
        told = {"name": f"Level {number}/{step}"} if chance.random() < 0.4 else {}
        told |= {"sku": f"SKU-{number}"} if chance.random() < 0.5 else {}
        told |= {"lowStockThreshold": chance.randrange(20)} if chance.random() < 0.4 else {}
        name = f"{serial}-{step}"
        yield level(
            shop,
            f"p-{number // 3}",
            _weighed(chance, quantity),
            version=second,
            event_id=name,
            **told,
            **more,
        )


def _weighed(chance: random.Random, units: int) -> int | str:
    """The same units, or some of them and a part of one."""
    return units if chance.random() < 0.7 else f"{units}.{chance.randrange(10_000):04}"


def payment_of(chance: random.Random, shop: str, number: int, serial: str) -> Iterator[Event]:
    """Tried again until it is received, or until nobody tries any more."""
    second = 0.0
    for step in range(chance.choice((1, 1, 2, 3))):
        second += chance.choice((0, 1))
        failed = chance.random() < 0.4
        more: dict[str, Any] = {"at": instant(chance)} if chance.random() < 0.8 else {}
        more |= {"reason": "card declined"} if failed and chance.random() < 0.7 else {}
        more |= {"method": "card", "orderId": f"o-{number}"} if chance.random() < 0.5 else {}
        yield payment(
            shop,
            f"pay-{number}",
            failed=failed,
            version=second,
            amount=str(Decimal(chance.randrange(10_000_000)) / chance.choice((1, 100, 10_000))),
            currency=chance.choice(CURRENCIES),
            event_id=f"{serial}-{step}",
            **more,
        )


def purchase_of(chance: random.Random, shop: str, number: int, serial: str) -> Iterator[Event]:
    """Created once or twice, received never or once or twice."""
    kinds = [False] * chance.choice((0, 1, 1, 1, 2)) + [True] * chance.choice((0, 0, 1, 2))
    for step, received in enumerate(kinds):
        lines = [
            bought(
                f"p-{chance.randrange(15)}",
                _weighed(chance, chance.randrange(1, 50)),
                f"{chance.random():.4f}",
            )
            for _ in range(chance.randrange(1, 4))
        ]
        yield purchase(
            shop,
            f"buy-{number}",
            received=received,
            version=chance.randrange(3),
            items=lines,
            supplierId=f"sup-{chance.randrange(3)}",
            event_id=f"{serial}-{step}",
            **({"expectedAt": instant(chance)} if chance.random() < 0.5 else {}),
        )


def supplier_of(chance: random.Random, shop: str, number: int, serial: str) -> Iterator[Event]:
    for step in range(chance.randrange(1, 4)):
        yield supplier(
            shop,
            f"sup-{number}",
            f"Supplier {number}/{step}",
            version=chance.randrange(3),
            event_id=f"{serial}-{step}",
            **({"leadTimeDays": chance.randrange(30)} if chance.random() < 0.5 else {}),
            **({"email": f"{number}@supplier.example"} if chance.random() < 0.5 else {}),
        )


def session_of(chance: random.Random, shop: str, number: int, serial: str) -> Iterator[Event]:
    """Seen again within minutes, over a midnight, or a day later."""
    when = datetime.fromisoformat(instant(chance))
    for step in range(chance.randrange(1, 7)):
        yield visit(shop, f"ses-{number}", text(when), f"{serial}-{step}")
        minutes = chance.choice((0, 1, 14, 15, 16, 120, 1439, 1485, 1500, 3000))
        when += timedelta(minutes=minutes, microseconds=chance.randrange(60_000_000))


def settings_of(
    chance: random.Random, shop: str, serial: str, lasting: Mapping[str, Any], chooses: bool = False
) -> Iterator[Event]:
    """Other zones and currencies and, where the shop `chooses`, other statuses that count; the rest stays."""
    for step in range(chance.randrange(1, 4)):
        more = dict(lasting)
        if chooses and chance.random() < 0.8:
            more["countedStatuses"] = chance.sample(MAY_COUNT, chance.randrange(1, 6))
        yield settings(
            shop,
            chance.choice(ZONES),
            chance.choice(CURRENCIES),
            version=chance.randrange(3),
            event_id=f"{serial}-{step}",
            **more,
        )


Maker = Callable[[random.Random, str, int, str], Iterator[Event]]
MAKERS: tuple[tuple[Maker, int], ...] = (
    (level_of, 20),
    (payment_of, 20),
    (session_of, 16),
    (purchase_of, 8),
    (supplier_of, 4),
)
"""Each with its weight."""
