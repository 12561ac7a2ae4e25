"""How busy a sample shop is in each hour, and the random numbers that belong to it. Pure."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from local.demo.shops import Shop

PAST_ORDERS = 100.0
"""Orders of a shop on an average day before the demo was first started."""
LIVE_ORDERS = 3000.0
"""And from that hour on, so that something happens every few seconds."""

HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEKDAY = (0.9, 0.85, 0.9, 1.0, 1.15, 1.3, 0.9)


def hour_of(instant: datetime) -> int:
    """The number of the hour since 1970, in UTC."""
    return (instant - _EPOCH) // HOUR


def start_of(hour: int) -> datetime:
    """The first instant of an hour."""
    return _EPOCH + hour * HOUR


@dataclass(frozen=True, slots=True)
class World:
    """`opened` is the hour in which the demo was first started."""

    seed: int
    opened: int

    def random(self, *names: object) -> Random:
        """Numbers that depend on the seed and the names only."""
        return Random(":".join(map(str, (self.seed, *names))))  # noqa: S311

    def mean_orders(self, shop: Shop, hour: int) -> float:
        """Orders to expect in the hour: the day's number, by weekday and local hour."""
        local = start_of(hour).astimezone(ZoneInfo(shop.timezone))
        a_day = LIVE_ORDERS if hour >= self.opened else PAST_ORDERS
        return a_day * _WEEKDAY[local.weekday()] * _share(shop, local.hour)


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
    """The part of a day's orders in a local hour: two humps while open, a trickle at night."""
    return _weight(shop, hour) / sum(_weight(shop, each) for each in range(24))


def _weight(shop: Shop, hour: int) -> float:
    if not shop.opens <= hour < shop.closes:
        return 0.02 if shop.collects else 0.12
    middle = (hour + 0.5 - shop.opens) / (shop.closes - shop.opens)
    return (
        0.5 + math.exp(-(((middle - 0.2) / 0.15) ** 2)) + math.exp(-(((middle - 0.75) / 0.2) ** 2))
    )
