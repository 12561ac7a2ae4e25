"""How busy a sample shop is in each hour, and the random numbers that belong to it. Pure."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from local.demo.shops import Shop

ORDERS = 350.0
"""Of a shop on an average day, past or present, so that no hour towers over the others. With visits and stock something
happens in one of the shops every five seconds."""
NIGHT = 0.5
"""Beside 0.5 to 1.5 while a shop is open: people order online around the clock."""

HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEKDAY = (0.9, 0.85, 0.9, 1.0, 1.15, 1.3, 0.9)


def hour_of(instant: datetime) -> int:
    """The number of the hour since 1970, in UTC."""
    return (instant - _EPOCH) // HOUR


def start_of(hour: int) -> datetime:
    return _EPOCH + hour * HOUR


@dataclass(frozen=True, slots=True)
class World:
    """Everything follows from the seed."""

    seed: int

    def random(self, *names: object) -> Random:
        """Numbers that depend on the seed and the names only."""
        return Random(":".join(map(str, (self.seed, *names))))  # noqa: S311

    def mean_orders(self, shop: Shop, hour: int) -> float:
        """Orders to expect in the hour: the day's number, by weekday and local hour."""
        local = start_of(hour).astimezone(ZoneInfo(shop.timezone))
        return ORDERS * _WEEKDAY[local.weekday()] * _share(shop, local.hour)


def poisson(random: Random, mean: float) -> int:
    """A number of independent things where `mean` are expected."""
    if mean > 30:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    limit, product, number = math.exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        number += 1
    return number


def _share(shop: Shop, hour: int) -> float:
    """The part of a day's orders in a local hour: two humps while open, fewer at night."""
    return _weight(shop, hour) / sum(_weight(shop, each) for each in range(24))


def _weight(shop: Shop, hour: int) -> float:
    if not shop.opens <= hour < shop.closes:
        return NIGHT
    middle = (hour + 0.5 - shop.opens) / (shop.closes - shop.opens)
    return (
        0.5 + math.exp(-(((middle - 0.2) / 0.15) ** 2)) + math.exp(-(((middle - 0.75) / 0.2) ** 2))
    )
