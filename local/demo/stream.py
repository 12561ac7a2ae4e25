"""All events of all sample shops, in the order of time. Pure: the clock is passed in."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from local.demo import events
from local.demo.events import Event
from local.demo.orders import LONGEST_LIFE, Order, orders_of
from local.demo.shops import SHOPS, Product, Shop
from local.demo.stock import (
    LONGEST,
    LONGEST_LEAD,
    Restock,
    Shelf,
    restocks_of,
)
from local.demo.world import World, hour_of, poisson, start_of

SESSIONS = 4.0
"""Visits for each order."""

Happening = Callable[[], Sequence[Event]]


class Stream:
    """What happens from `start` on. Whenever it starts, the same instants bring the same events.

    Of what was over before `history` no report needs more than the outcome: earlier versions of an order are left out,
    and levels of stock from more than `LONGEST` hours before.
    """

    def __init__(
        self,
        world: World,
        start: datetime,
        shops: tuple[Shop, ...] = SHOPS,
        *,
        history: datetime | None = None,
    ) -> None:
        self._world = world
        self._history = history or start
        self._levels = self._history - timedelta(hours=LONGEST)
        self._start = start
        self._shops = shops
        # so that every shelf is known at the start, and every order that still goes on
        self._hour = hour_of(start) - max(LONGEST, LONGEST_LIFE) - 1
        self._restocks = self._hour
        self._due: list[tuple[datetime, int, Happening]] = []
        self._order = count()
        self._shelves: dict[tuple[str, str], Shelf] = {}

    def until(self, end: datetime) -> Iterator[Event]:
        """The events before `end` that were not given yet."""
        while True:
            while start_of(self._hour) < end and not self._is_due(start_of(self._hour)):
                self._plan_hour()
            if not self._is_due(end):
                return
            at, _, happening = heapq.heappop(self._due)
            found = happening()
            if at >= self._start:
                yield from found

    def _is_due(self, end: datetime) -> bool:
        return bool(self._due) and self._due[0][0] < end

    def _plan_hour(self) -> None:
        hour, self._hour = self._hour, self._hour + 1
        while self._restocks <= hour + LONGEST_LEAD:
            for shop in self._shops:
                for restock in restocks_of(self._world, shop, self._restocks):
                    self._plan_restock(restock)
            self._restocks += 1
        for shop in self._shops:
            for order in orders_of(self._world, shop, hour):
                self._plan_order(order)
            self._plan_visits(shop, hour)

    def _plan_restock(self, restock: Restock) -> None:
        self._at(restock.ordered, lambda: (events.purchase_event(restock, received=False),))
        self._at(restock.at, lambda: self._receive(restock))

    def _receive(self, restock: Restock) -> Sequence[Event]:
        shop, product = restock.shop, restock.product
        self._shelves[shop.id, product.id] = Shelf(restock.units, restock.at)
        return (
            events.purchase_event(restock, received=True),
            self._level(shop, product, restock.number, restock.at),
        )

    def _plan_order(self, order: Order) -> None:
        for revision, step in enumerate(order.steps):
            self._at(step.at, partial(self._step, order, revision))

    def _plan_visits(self, shop: Shop, hour: int) -> None:
        random = self._world.random("visits", shop.id, hour)
        mean = SESSIONS * self._world.mean_orders(shop, hour)
        for number in range(poisson(random, mean)):
            at = start_of(hour) + timedelta(microseconds=random.randrange(3_600_000_000))
            visit = events.visit_event(shop, f"s-{hour}-{number}", at)
            self._at(at, partial(tuple, (visit,)))

    def _step(self, order: Order, revision: int) -> Sequence[Event]:
        after = order.steps[revision + 1 : revision + 2]
        superseded = bool(after) and after[0].at < self._history
        found = [] if superseded else [events.order_event(order, revision)]
        status = order.steps[revision].status
        if status in ("paid", "failed"):
            found.append(events.payment_event(order, revision))
        if status == "pending":
            found += self._move(order, revision, -1)
        elif status == "cancelled":
            found += self._move(order, revision, +1)
        return found

    def _move(self, order: Order, revision: int, sign: int) -> Iterator[Event]:
        """Takes the order's units off the shelves, or puts them back where they were taken from."""
        at = order.steps[revision].at
        for line in order.lines:
            shelf = self._shelves.get((order.shop.id, line.product.id))
            if shelf is None or shelf.since > order.steps[0].at:
                continue
            shelf.quantity = max(0, shelf.quantity + sign * line.quantity)
            if at >= self._levels:
                yield self._level(order.shop, line.product, f"{order.id}-{revision}", at)

    def _level(self, shop: Shop, product: Product, cause: str, at: datetime) -> Event:
        quantity = self._shelves[shop.id, product.id].quantity
        return events.inventory_event(shop, product, cause, at, quantity)

    def _at(self, at: datetime, happening: Happening) -> None:
        heapq.heappush(self._due, (at, next(self._order), happening))
