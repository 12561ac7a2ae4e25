"""How far the reports are: `asOf`, and waiting until a place is included. Single-threaded, no I/O."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from shopstream.api.standing import Standing
from shopstream.api.topology import Topology
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import PipelineState, Progress, Touched
from shopstream.contracts.topics import INPUTS

SHOPS = 20_000
"""Shops whose latest change is remembered; one that is not counts as changed with the last that was forgotten."""
DAYS = 64
"""Of a shop, whose latest change is remembered; beyond them all of the shop counts as changed."""
HEARD_SECONDS = 3.0
"""A worker reports about once a second while nothing comes."""
WORKERS = 64
"""Workers whose counters are kept; the one that was silent longest goes first."""


class Place(NamedTuple):
    """A place that a request names: everything of the partition before `next`. No epoch: the present one."""

    partition: Partition
    epoch: int | None
    next: int


@dataclass(eq=False, slots=True)
class _Waiter:
    places: frozenset[Place]
    done: asyncio.Future[None]


@dataclass(eq=False, slots=True)
class _Shop:
    """When what was last said of it: numbers of words and notices as they came. `days` (UTC) since `whole`."""

    notice: int = 0
    word: int = 0
    whole: int = 0
    days: dict[int, int] = field(default_factory=dict)

    def touch(self, number: int, days: Set[int] | None) -> None:
        self.word = number
        if days is not None:
            self.days.update(dict.fromkeys(days, number))
        if days is None or len(self.days) > DAYS:
            self.whole = number
            self.days.clear()


class ProgressBook:
    """What the pipeline's workers have said, the latest of each partition; `clock` in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard = -HEARD_SECONDS
        self._numbers = 0
        self._forgotten = 0
        self._shops: OrderedDict[str, _Shop] = OrderedDict()
        self._known: dict[Partition, Progress] = {}
        self._counters: OrderedDict[str, Mapping[str, float]] = OrderedDict()
        self._topology: Topology | None = None
        self._waiters: set[_Waiter] = set()
        self._told: datetime | None = None

    def observe(self, state: PipelineState) -> None:
        """Takes a worker's word, live or stored; an older one than is known changes nothing."""
        self._heard = self._clock()
        for partition, progress in state.partitions.items():
            known = self._known.get(partition)
            self._known[partition] = progress if known is None else _later(known, progress)
        self._touch(state.touched)
        self._count(state)
        self._release()

    def see(self, topology: Topology) -> None:
        """Takes the topics as they are now: a partition that is gone holds nothing back."""
        if topology != self._topology:
            self._topology = topology
            self._release()

    @property
    def topology(self) -> Topology | None:
        """The topics as they were last seen, None before that."""
        return self._topology

    def as_of(self) -> datetime | None:
        """Everything that reached Kafka before this (UTC) is in the reports; None when nothing is known.

        While there is a partition of which no worker has said anything yet, it stands still.
        """
        if self._complete():
            self._told = min(
                (progress.as_of for place, progress in self._known.items() if self._exists(place)),
                default=None,
            )
        return self._told

    def changed(self, shop: str | None = None, days: Set[int] | None = None) -> None:
        """The reports of a shop changed, in these days (UTC, counted from 1970-01-01), or in any where None.

        Without a shop: maybe those of any, where words or notices may have been missed.
        """
        self._numbers += 1
        if shop is None:
            self._anything()
            return
        known = self._shop(shop)
        known.notice = self._numbers
        known.touch(self._numbers, days)

    def standing(self, shop: str, *, readable: bool) -> Standing:
        """What is known of a shop's reports now; `readable`: whether notices can be read at all."""
        known = self._shops.get(shop) or _Shop()
        return Standing(
            version=max(known.word, self._forgotten) if self._known and readable else None,
            changes=max(known.notice, self._forgotten),
            as_of=self.as_of(),
            heard=self._clock() < self._heard + HEARD_SECONDS,
        )

    def touched(self, shop: str, version: int) -> Set[int] | None:
        """Days (UTC, counted from 1970-01-01) in which the shop's sales, payments or sessions may be others than at
        that version.

        None: any day, time zone or currency. Empty, though the version is another one now: something else.
        """
        known = self._shops.get(shop) or _Shop()
        if max(known.whole, self._forgotten) > version:
            return None
        return {day for day, number in known.days.items() if number > version}

    def counters(self) -> dict[str, float]:
        """The counters of all workers, added up."""
        found: dict[str, float] = {}
        for counters in self._counters.values():
            for name, value in counters.items():
                found[name] = found.get(name, 0) + value
        return found

    def _touch(self, touched: Touched | None) -> None:
        self._numbers += 1
        if touched is None:
            self._anything()
            return
        for shop, days in touched.items():
            self._shop(shop).touch(self._numbers, days)

    def _anything(self) -> None:
        self._shops.clear()
        self._forgotten = self._numbers

    def _shop(self, name: str) -> _Shop:
        """That of the name, as the one that was spoken of last."""
        shop = self._shops.setdefault(name, _Shop())
        self._shops.move_to_end(name)
        if len(self._shops) > SHOPS:
            _, gone = self._shops.popitem(last=False)
            self._forgotten = max(gone.word, gone.notice)
        return shop

    def _count(self, state: PipelineState) -> None:
        self._counters[state.worker] = state.counters
        self._counters.move_to_end(state.worker)
        if len(self._counters) > WORKERS:
            self._counters.popitem(last=False)

    async def wait(self, places: Iterable[Place]) -> None:
        """Returns once every place is included; cancel it to give up."""
        waiter = _Waiter(frozenset(places), asyncio.get_running_loop().create_future())
        if self._included(waiter):
            return
        self._waiters.add(waiter)
        try:
            await waiter.done
        finally:
            self._waiters.discard(waiter)

    def _release(self) -> None:
        for waiter in self._waiters:
            if not waiter.done.done() and self._included(waiter):
                waiter.done.set_result(None)

    def _complete(self) -> bool:
        """Every partition has said something; of a broker that was not seen yet, every topic."""
        if self._topology is None:
            return {place.topic for place in self._known} >= set(INPUTS)
        return all(
            Partition(topic, number) in self._known
            for topic in INPUTS
            if (state := self._topology.get(topic))
            for number in range(state.partitions)
        )

    def _included(self, waiter: _Waiter) -> bool:
        """What no report is made of waits for nothing."""
        return all(
            place.partition.topic not in INPUTS or self._has(place) for place in waiter.places
        )

    def _has(self, place: Place) -> bool:
        if not place.next:
            return True
        known = self._known.get(place.partition)
        return (
            known is not None
            and known.epoch == self._epoch(place, known)
            and known.next >= place.next
        )

    def _epoch(self, place: Place, known: Progress) -> int:
        if place.epoch is not None:
            return place.epoch
        state = (self._topology or {}).get(place.partition.topic)
        return known.epoch if state is None else state.epoch

    def _exists(self, place: Partition) -> bool:
        """A topic that is away for now may come back, so its last word stands."""
        state = (self._topology or {}).get(place.topic)
        return state is None or place.partition < state.partitions


def _later(known: Progress, said: Progress) -> Progress:
    if said.epoch != known.epoch:
        return said if said.as_of >= known.as_of else known
    return Progress(known.epoch, max(known.next, said.next), max(known.as_of, said.as_of))
