"""The orders that a sample shop gets in one hour, each with all that will become of it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from local.demo.shops import MINOR, Product, Shop
from local.demo.world import World, poisson, start_of

CUSTOMERS = 400
LINES = (1, 1, 1, 2, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Line:
    """`price` is in smallest units of the order's currency."""

    product: Product
    quantity: int
    price: int


@dataclass(frozen=True, slots=True)
class Step:
    """The order at the instant `at`. `refunded` are units by line; `refund` is an amount or None."""

    at: datetime
    status: str
    refunded: tuple[int, ...] = ()
    refund: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """`shipping` is None where the shop leaves out the total."""

    shop: Shop
    id: str
    customer: str
    currency: str
    lines: tuple[Line, ...]
    shipping: int | None
    method: str
    steps: tuple[Step, ...]

    @property
    def amount(self) -> int:
        """What is to be paid, in smallest units."""
        return sum(line.quantity * line.price for line in self.lines) + (self.shipping or 0)


def orders_of(world: World, shop: Shop, hour: int) -> Iterator[Order]:
    """The orders created in the hour; the same for the same world, shop and hour."""
    random = world.random("orders", shop.id, hour)
    for number in range(poisson(random, world.mean_orders(shop, hour))):
        created = start_of(hour) + timedelta(microseconds=random.randrange(3_600_000_000))
        yield _order(random, shop, f"{shop.code}-{hour}-{number:03d}", created)


def order_at(world: World, shop: Shop, name: str, created: datetime, paid: datetime) -> Order:
    """An order beside those of the hours, which is paid and stays so."""
    random = world.random("order", shop.id, name)
    order = _order(random, shop, f"{shop.code}-{name}", created)
    return replace(order, steps=(Step(created, "pending"), Step(paid, "paid")))


def _order(random: Random, shop: Shop, order_id: str, created: datetime) -> Order:
    foreign = random.random() < 0.03
    currency = shop.other[0] if foreign else shop.currency
    lines = tuple(_lines(random, shop, currency, shop.other[1] if foreign else 1.0))
    with_total = random.random() < 0.7
    return Order(
        shop,
        order_id,
        f"c-{random.randrange(CUSTOMERS):03d}",
        currency,
        lines,
        _shipping(shop, currency) if with_total else None,
        random.choice(("card", "card", "paypal", "transfer")),
        tuple(_life(random, shop, lines, created)),
    )


def _lines(random: Random, shop: Shop, currency: str, rate: float) -> Iterator[Line]:
    weights = [product.weight for product in shop.products]
    chosen = random.choices(shop.products, weights, k=random.choice(LINES))
    scale = rate * MINOR[currency] / MINOR[shop.currency]
    for product in dict.fromkeys(chosen):
        price = max(1, round(product.price * scale))
        yield Line(product, random.randint(1, product.most), price)


def _shipping(shop: Shop, currency: str) -> int:
    return 0 if shop.collects else {"JPY": 550, "INR": 9900}.get(currency, 490)


def _life(random: Random, shop: Shop, lines: tuple[Line, ...], created: datetime) -> Iterator[Step]:
    fate = random.random()
    yield Step(created, "pending")
    at = created + _minutes(random, 1, 6)
    if fate < 0.025:
        yield Step(at, "failed")
        return
    yield Step(at, "paid")
    if fate < 0.075:
        yield Step(at + _minutes(random, 5, 90), "cancelled")
        return
    for status, least, most in COLLECTED if shop.collects else SHIPPED:
        at += _minutes(random, least, most)
        yield Step(at, status)
    if fate < 0.125:
        yield _refund(random, lines, at + _minutes(random, 30, 1200), whole=fate < 0.085)


COLLECTED = (("processing", 5, 30), ("completed", 30, 240))
SHIPPED = (
    ("processing", 10, 120),
    ("shipped", 120, 1200),
    ("delivered", 900, 2400),
    ("completed", 600, 1440),
)
"""What follows payment: status, least and most minutes after the one before."""


LONGEST_LIFE = 107
"""Hours from the creation of an order to its last step at most."""


def _refund(random: Random, lines: tuple[Line, ...], at: datetime, whole: bool) -> Step:
    if whole:
        return Step(at, "refunded", tuple(line.quantity for line in lines))
    chosen = random.randrange(len(lines))
    units = random.randint(1, lines[chosen].quantity)
    refunded = tuple(units if index == chosen else 0 for index in range(len(lines)))
    if random.random() < 0.3:
        return Step(at, "completed", refunded, refund=(units * lines[chosen].price + 1) // 2)
    return Step(at, "completed", refunded)


def _minutes(random: Random, least: int, most: int) -> timedelta:
    return timedelta(microseconds=random.randrange(least * 60_000_000, most * 60_000_000))
