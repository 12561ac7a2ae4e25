"""How far the reports are: `asOf`, and waiting until a partition is included. Single-threaded, no I/O."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from api.freshness.source import Freshness
from api.freshness.topology import Topology
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import ChangedDays, PipelineState
from shopstream.contracts.topics import INPUTS
from shopstream.instants import Instants

SHOPS = 20_000
"""Shops whose latest change is remembered; one that is not counts as changed with the last that was forgotten."""
DAYS = 64
"""Of a shop, whose latest change is remembered; beyond them all of the shop counts as changed."""
HEARD_SECONDS = 3.0
"""A worker reports about once a second while nothing comes."""
WORKERS = 64
"""Workers whose counters are kept; the one that was silent longest goes first."""
AHEAD_SECONDS = 1.0
"""Clocks of machines that are kept right differ by less."""


class RequiredPosition(NamedTuple):
    """A partition that a request names: everything of the partition before `next`. No epoch: the present one."""

    partition: Partition
    epoch: int | None
    next: int


@dataclass(eq=False, slots=True)
class _Waiter:
    places: frozenset[RequiredPosition]
    done: asyncio.Future[None]


@dataclass(eq=False, slots=True)
class _ShopChanges:
    """When what was last said of it: numbers of words and notices as they came. `days` (UTC) since `whole`."""

    notice: int = 0
    message: int = 0
    whole: int = 0
    days: dict[int, int] = field(default_factory=dict)

    def mark_changed(self, number: int, days: Set[int] | None) -> None:
        self.message = number
        if days is not None:
            self.days.update(dict.fromkeys(days, number))
        if days is None or len(self.days) > DAYS:
            self.whole = number
            self.days.clear()


class _Instant(NamedTuple):
    """What was said, true on the wall clock of that moment. `heard`, and the instant itself, by the steady clock."""

    said: datetime
    heard: float
    steady: float


class _PartitionFreshness(NamedTuple):
    """Of a partition. `as_of` None: told by a clock that was wrong."""

    epoch: int
    next: int
    as_of: _Instant | None


class FreshnessTracker:
    """What the pipeline's workers have said, the latest of each partition; `clock` in seconds."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        instants: Instants | None = None,
    ) -> None:
        self._clock = clock
        self._instants = instants or Instants()
        self._set_back = 0
        self._ahead: dict[str, float] = {}
        self._heard = -HEARD_SECONDS
        self._numbers = 0
        self._forgotten = 0
        self._shops: OrderedDict[str, _ShopChanges] = OrderedDict()
        self._known: dict[Partition, _PartitionFreshness] = {}
        self._counters: OrderedDict[str, Mapping[str, float]] = OrderedDict()
        self._topology: Topology | None = None
        self._waiters: set[_Waiter] = set()
        self._latest_as_of: _Instant | None = None

    def observe(self, state: PipelineState, *, replayed: bool = False) -> None:
        """Takes a worker's message; an older one than is known changes nothing. `replayed`: nobody knows how old it is."""
        self._see_clock()
        self._heard = self._clock()
        now, steady = self._instants.now(), self._instants.steady()
        at = None if replayed else state.at
        for partition, progress in state.partitions.items():
            as_of = _instant(progress.as_of, at, now, steady)
            said = _PartitionFreshness(progress.epoch, progress.next, as_of)
            known = self._known.get(partition)
            if known is not None:
                said = self._later(partition, known, said, replayed)
            self._known[partition] = said
        if at is not None:
            self._ahead[state.worker] = (at - now).total_seconds()
        self._mark_changed(state.touched)
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

        While there is a partition of which no worker has said anything yet, it stands still. It never lies in the
        future: where the clock of this process is set back, it goes with it.
        """
        if self._complete():
            known = [at.as_of for partition, at in self._known.items() if self._exists(partition)]
            told = [as_of for as_of in known if as_of is not None]
            if len(told) == len(known):
                self._latest_as_of = min(told, key=lambda one: one.steady, default=None)
        return None if self._latest_as_of is None else self._on_the_wall(self._latest_as_of)

    @property
    def ahead(self) -> float:
        """Seconds by which the clock of a worker is ahead of that of this process; 0 where none is."""
        most = max(self._ahead.values(), default=0.0)
        return most if most > AHEAD_SECONDS else 0.0

    @property
    def times_set_back(self) -> int:
        """How often the clock of this machine was set back since the process started."""
        self._see_clock()
        return self._set_back

    def _on_the_wall(self, instant: _Instant) -> datetime:
        shift = self._instants.shift(instant.heard)
        return instant.said + timedelta(seconds=shift) if shift else instant.said

    def _see_clock(self) -> None:
        """Answers from before the clock was set back bear an instant in the future: none of them holds."""
        times = self._instants.times_set_back
        if times != self._set_back:
            self._set_back = times
            self.changed()

    def changed(self, shop: str | None = None, days: Set[int] | None = None) -> None:
        """The reports of a shop changed, in these days (UTC, counted from 1970-01-01), or in any where None.

        Without a shop: maybe those of any, where words or notices may have been missed.
        """
        self._numbers += 1
        if shop is None:
            self._mark_all_changed()
            return
        known = self._shop(shop)
        known.notice = self._numbers
        known.mark_changed(self._numbers, days)

    def freshness(self, shop: str, *, readable: bool) -> Freshness:
        """What is known of a shop's reports now; `readable`: whether notices can be read at all."""
        self._see_clock()
        known = self._shops.get(shop) or _ShopChanges()
        return Freshness(
            version=max(known.message, self._forgotten) if self._known and readable else None,
            changes=max(known.notice, self._forgotten),
            as_of=self.as_of(),
            heard=self._clock() < self._heard + HEARD_SECONDS,
        )

    def changed_days(self, shop: str, version: int) -> Set[int] | None:
        """Days (UTC, counted from 1970-01-01) in which the shop's sales, payments or sessions may be others than at
        that version.

        None: any day, time zone or currency. Empty, though the version is another one now: something else.
        """
        known = self._shops.get(shop) or _ShopChanges()
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

    def _mark_changed(self, touched: ChangedDays | None) -> None:
        self._numbers += 1
        if touched is None:
            self._mark_all_changed()
            return
        for shop, days in touched.items():
            self._shop(shop).mark_changed(self._numbers, days)

    def _mark_all_changed(self) -> None:
        self._shops.clear()
        self._forgotten = self._numbers

    def _shop(self, name: str) -> _ShopChanges:
        """That of the name, as the one that was spoken of last."""
        shop = self._shops.setdefault(name, _ShopChanges())
        self._shops.move_to_end(name)
        if len(self._shops) > SHOPS:
            _, gone = self._shops.popitem(last=False)
            self._forgotten = max(gone.message, gone.notice)
        return shop

    def _count(self, state: PipelineState) -> None:
        self._counters[state.worker] = state.counters
        self._counters.move_to_end(state.worker)
        if len(self._counters) > WORKERS:
            gone, _ = self._counters.popitem(last=False)
            self._ahead.pop(gone, None)

    async def wait(self, places: Iterable[RequiredPosition]) -> None:
        """Returns once every partition is included; cancel it to give up."""
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
            return {partition.topic for partition in self._known} >= set(INPUTS)
        return all(
            Partition(topic, number) in self._known
            for topic in INPUTS
            if (state := self._topology.get(topic))
            for number in range(state.partitions)
        )

    def _included(self, waiter: _Waiter) -> bool:
        """What no report is made of waits for nothing."""
        return all(
            partition.partition.topic not in INPUTS or self._has(partition) for partition in waiter.places
        )

    def _has(self, partition: RequiredPosition) -> bool:
        if not partition.next:
            return True
        known = self._known.get(partition.partition)
        return (
            known is not None
            and known.epoch == self._epoch(partition, known)
            and known.next >= partition.next
        )

    def _epoch(self, partition: RequiredPosition, known: _PartitionFreshness) -> int:
        if partition.epoch is not None:
            return partition.epoch
        state = (self._topology or {}).get(partition.partition.topic)
        return known.epoch if state is None else state.epoch

    def _exists(self, partition: Partition) -> bool:
        """A topic that is away for now may come back, so its last message stands."""
        state = (self._topology or {}).get(partition.topic)
        return state is None or partition.partition < state.partitions

    def _later(
        self,
        partition: Partition,
        known: _PartitionFreshness,
        said: _PartitionFreshness,
        replayed: bool,
    ) -> _PartitionFreshness:
        """Whatever instants say: the topic that is there now, else what a worker says now.

        A worker that has lost its partitions, and does not know it yet, says less than its successor.
        """
        if said.epoch != known.epoch:
            present = (self._topology or {}).get(partition.topic)
            if present is not None and present.epoch in (known.epoch, said.epoch):
                return said if said.epoch == present.epoch else known
            return known if replayed else said
        instants = [each.as_of for each in (known, said) if each.as_of is not None]
        latest = max(instants, key=lambda one: one.steady, default=None)
        return _PartitionFreshness(known.epoch, max(known.next, said.next), latest)


def _instant(as_of: datetime, at: datetime | None, now: datetime, steady: float) -> _Instant | None:
    """One in the future comes from a clock that is ahead, or from this one before it was set back: what counts then is
    how long ago it was at the moment `at` which it was told; None where that is not known either."""
    if as_of > now:
        if at is None:
            return None
        as_of = now - max(timedelta(), at - as_of)
    return _Instant(as_of, steady, steady - (now - as_of).total_seconds())
