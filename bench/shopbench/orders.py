"""Order events of about 600 bytes, and by plain Python what every report of them must say."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 14
SHOPS = 50
BIGGEST_SHARE = 0.16
PRODUCTS = 500
UPDATES = 0.20
"""Of all events; one in twenty of them is an event that comes a second time, byte for byte."""
REACH = 20_000
"""An update is of one of this many latest orders."""
NOT_COUNTED = ("cancelled", "refunded")
_AFTER = ("processing", "shipped", "delivered", "completed", *NOT_COUNTED)

_EVENT = (
    '{"specversion":"1.0","id":"%s","source":"/checkout","type":"%s","time":"%s","shopid":"%s",'
    '"data":{"orderId":"%s","status":"%s","currency":"EUR","createdAt":"%s","updatedAt":"%s",'
    '"revision":%d,"customerId":"customer-%07d","total":%s,"items":[%s]}}'
)
_ITEM = '{"productId":"product-%04d","name":"%s","quantity":%d,"unitPrice":%s}'
_NAMES = ("Organic green tea, 250 g", "Ceramic mug, white", "Linen tablecloth 140 x 220")

Item = tuple[int, int, int]
"""Product, quantity, price in cents."""
Day = tuple[str, str]
Sums = tuple[int, int, int]


@dataclass(slots=True)
class Order:
    """The latest version of an order."""

    shop: str
    id: str
    created: datetime
    customer: int
    items: list[Item]
    status: str = "paid"
    revision: int = 0
    event: tuple[bytes, bytes] | None = None


def shop_name(number: int) -> str:
    """From 1, the biggest."""
    return f"shop-{number:03d}"


def text(instant: datetime) -> str:
    """RFC 3339 to the microsecond."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def over_days(count: int) -> Callable[[int], datetime]:
    """The time of event i of `count`: spread evenly over `DAYS`."""
    step = timedelta(days=DAYS) / max(count, 1)
    return lambda i: FIRST + i * step


@dataclass
class Generator:
    """Events in the order of their time; the same seed gives the same events. Ids count from `made`."""

    clock: Callable[[int], datetime]
    shops: int = SHOPS
    seed: int = 20260105
    updates: float = UPDATES
    orders: list[Order] = field(default_factory=list)
    size: int = 0
    made: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        rest = [1 / (n + 4) for n in range(1, self.shops)]
        scale = (1 - BIGGEST_SHARE) / sum(rest) if rest else 0
        self._weights = list(accumulate([BIGGEST_SHARE, *(scale * w for w in rest)]))
        self._names = [shop_name(n) for n in range(1, self.shops + 1)]

    def events(self, count: int) -> Iterator[tuple[bytes, bytes]]:
        """(key, value) of this many."""
        for _ in range(count):
            yield self.event()

    def event(self) -> tuple[bytes, bytes]:
        """The next one."""
        now = self.clock(self.made)
        self.made += 1
        lot = self._random.random()
        if lot < self.updates / 20 and self.orders:
            made = self._recent().event
            assert made is not None
        elif lot < self.updates and self.orders:
            made = self._updated(self._recent(), now)
        else:
            made = self._new(now)
        self.size += len(made[1])
        return made

    def _recent(self) -> Order:
        return self.orders[-1 - self._random.randrange(min(REACH, len(self.orders)))]

    def _new(self, now: datetime) -> tuple[bytes, bytes]:
        draw = self._random
        shop = draw.choices(self._names, cum_weights=self._weights)[0]
        items = [self._item() for _ in range(draw.choice((1, 2, 2, 3, 4)))]
        order = Order(shop, f"order-{self.made:012d}", now, draw.randrange(9_999_999), items)
        self.orders.append(order)
        if len(self.orders) > REACH:
            self.orders[-REACH - 1].event = None
        return self.write(order, now)

    def _updated(self, order: Order, now: datetime) -> tuple[bytes, bytes]:
        order.revision += 1
        order.status = self._random.choice(_AFTER)
        if order.status == "processing":
            order.items[-1] = self._item()
        return self.write(order, now)

    def _item(self) -> Item:
        draw = self._random
        product = int(draw.random() ** 2 * PRODUCTS)
        return product, draw.choice((1, 1, 1, 2, 3)), 199 + 137 * product % 9000

    def write(self, order: Order, now: datetime) -> tuple[bytes, bytes]:
        """The event of an order as it stands."""
        kind = "order:updated" if order.revision else "order:created"
        items = ",".join(
            _ITEM % (p, _NAMES[p % len(_NAMES)], q, _money(price)) for p, q, price in order.items
        )
        head = (f"01K{self.made:023d}", kind, text(now), order.shop, order.id, order.status)
        tail = (order.revision, order.customer, _money(total(order)), items)
        value = _EVENT % (*head, text(order.created), text(now), *tail)
        order.event = (f"{order.shop}/{order.id}".encode(), value.encode())
        return order.event


def total(order: Order) -> int:
    """In cents."""
    return sum(quantity * price for _, quantity, price in order.items)


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def truth(orders: list[Order]) -> tuple[dict[Day, Sums], dict[tuple[str, str, str], Sums]]:
    """By shop and day: orders, cents, items. By shop, day and product: quantity, cents, and 0."""
    days: dict[Day, list[int]] = defaultdict(lambda: [0, 0, 0])
    products: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for order in orders:
        if order.status in NOT_COUNTED:
            continue
        day = order.created.date().isoformat()
        _add(days[order.shop, day], 1, total(order), sum(item[1] for item in order.items))
        for product, quantity, price in order.items:
            _add(products[order.shop, day, f"product-{product:04d}"], quantity, quantity * price, 0)
    return _frozen(days), _frozen(products)


def _add(sums: list[int], *values: int) -> None:
    for i, value in enumerate(values):
        sums[i] += value


def _frozen(sums: dict) -> dict:
    return {key: tuple(values) for key, values in sums.items()}
