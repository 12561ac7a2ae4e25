"""What a sample shop has on its shelves. Pure.

A product is restocked at fixed hours to a level that follows from the hour alone. So the quantity at
any instant depends on the sales since then, and not on when the simulation began.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from local.demo.orders import LINES
from local.demo.shops import Product, Shop
from local.demo.world import World, start_of

SHORTEST, LONGEST = 24, 48
"""Hours between two restocks of a product."""
LONGEST_LEAD = LONGEST // 3
"""Hours from a purchase to its arrival at most."""


@dataclass(frozen=True, slots=True)
class Restock:
    """`units` come in at `at`; they were ordered at `ordered`."""

    shop: Shop
    product: Product
    number: str
    ordered: datetime
    at: datetime
    units: int


@dataclass(slots=True)
class Shelf:
    """How many units there are; `since` is the last restock."""

    quantity: int
    since: datetime


def restocks_of(world: World, shop: Shop, hour: int) -> list[Restock]:
    """The restocks of the hour: each product in its own cycle."""
    return [
        _restock(world, shop, product, hour, cycle)
        for index, product in enumerate(shop.products)
        if (hour + 7 * index) % (cycle := _cycle(index)) == 0
    ]


def _cycle(index: int) -> int:
    return SHORTEST + (LONGEST - SHORTEST) // 4 * (index % 5)


def _restock(world: World, shop: Shop, product: Product, hour: int, cycle: int) -> Restock:
    random = world.random("restock", shop.id, product.id, hour)
    coming = sum(world.mean_orders(shop, hour + ahead) for ahead in range(cycle))
    units = round(coming * _units_per_order(shop, product) * random.uniform(0.8, 1.2))
    at = start_of(hour) + timedelta(seconds=random.randrange(60))
    return Restock(
        shop,
        product,
        f"po-{product.id}-{hour}",
        at - timedelta(hours=cycle) / 3,
        at,
        max(units, shop.threshold) + shop.threshold // 2,
    )


def _units_per_order(shop: Shop, product: Product) -> float:
    share = product.weight / sum(each.weight for each in shop.products)
    return share * sum(LINES) / len(LINES) * (1 + product.most) / 2
