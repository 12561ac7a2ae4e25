"""How far the reports are: `asOf`, and waiting until a position is included. Single-threaded, no I/O."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from api.freshness.source import Freshness
from api.freshness.topology import Topology
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.notices import ChangedDays, Days, PipelineState
from shopstream.contracts.topics import INPUTS
from shopstream.instants import Instants

SHOPS = 20_000
"""Shops whose latest change is kept; any other counts as changed with the last that was dropped."""
DAYS = 64
"""Days of a shop whose latest change is kept, of each kind; beyond them all of the kind counts as changed."""
DAYS_IN_ALL = 200_000
"""The same of all shops together, some 10 MB; beyond them the shop that changed least recently is dropped."""
HEARD_SECONDS = 3.0
"""A worker reports about once a second while nothing comes."""
WORKERS = 64
"""Workers whose counters are kept; the one that was silent longest goes first."""
AHEAD_SECONDS = 1.0
"""Clocks of machines that are kept right differ by less."""
AHEAD_KEPT_SECONDS = 60.0
"""How long after its last message the clock of a worker counts: one that was started again has another name."""


class RequiredPosition(NamedTuple):
    """A position that a request names: everything of the partition before `next`. No epoch: the present one."""

    partition: Partition
    epoch: int | None
    next: int


@dataclass(eq=False, slots=True)
class _Waiter:
    positions: frozenset[RequiredPosition]
    done: asyncio.Future[None]


@dataclass(eq=False, slots=True)
class _KindChanges:
    """Numbers of the latest progress message that changed all of a kind, and of the latest for each day since."""

    whole: int = 0
    days: dict[int, int] = field(default_factory=dict)

    def mark_changed(self, number: int, days: Days) -> None:
        """`days` None: all of the kind."""
        if days is not None:
            self.days.update(dict.fromkeys(days, number))
        if days is None or len(self.days) > DAYS:
            self.whole = number
            self.days.clear()


@dataclass(eq=False, slots=True)
class _ShopChanges:
    """Numbers, in order of arrival, of the latest notice and progress message that changed the shop, and of the latest
    that changed all of it; what changed since, by kind."""

    notice: int = 0
    message: int = 0
    whole: int = 0
    kinds: dict[str, _KindChanges] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """How many days are kept, of all kinds."""
        return sum(len(kind.days) for kind in self.kinds.values())

    def mark_changed(self, number: int, kinds: Mapping[str, Days] | None) -> None:
        """`kinds` None: all of the shop."""
        self.message = number
        if kinds is None:
            self.whole = number
            self.kinds.clear()
            return
        for kind, days in kinds.items():
            self.kinds.setdefault(kind, _KindChanges()).mark_changed(number, days)


class _Instant(NamedTuple):
    """An instant of the wall clock, as it was when it was reported; `steady` is the same instant, and `heard` that
    moment, by the steady clock."""

    reported: datetime
    heard: float
    steady: float


class _PartitionFreshness(NamedTuple):
    """Progress of a partition. `as_of` None: it was reported by a clock that was wrong."""

    epoch: int
    next: int
    as_of: _Instant | None


class FreshnessTracker:
    """The latest progress of each partition, as the pipeline's workers report it; `clock` in seconds."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        instants: Instants | None = None,
    ) -> None:
        self._clock = clock
        self._instants = instants or Instants()
        self._set_back = 0
        self._ahead: dict[str, tuple[float, float]] = {}
        """By worker: seconds, and when it was heard."""
        self._heard = -HEARD_SECONDS
        self._numbers = 0
        self._forgotten = 0
        self._shops: OrderedDict[str, _ShopChanges] = OrderedDict()
        self._days = 0
        self._known: dict[Partition, _PartitionFreshness] = {}
        self._counters: OrderedDict[str, Mapping[str, float]] = OrderedDict()
        self._topology: Topology | None = None
        self._waiters: set[_Waiter] = set()
        self._latest_as_of: _Instant | None = None

    def observe(self, state: PipelineState, *, replayed: bool = False) -> None:
        """Applies a progress message; one that is older than what is known changes nothing. `replayed`: its age is not
        known."""
        self._see_clock()
        self._heard = self._clock()
        now, steady = self._instants.now(), self._instants.steady()
        at = None if replayed else state.at
        for partition, progress in state.partitions.items():
            as_of = _instant(progress.as_of, at, now, steady)
            reported = _PartitionFreshness(progress.epoch, progress.next, as_of)
            known = self._known.get(partition)
            if known is not None:
                reported = self._later(partition, known, reported, replayed)
            self._known[partition] = reported
        if at is not None:
            self._ahead[state.worker] = (at - now).total_seconds(), self._heard
        self._mark_changed(state.changed)
        self._count(state)
        self._release()

    def see(self, topology: Topology) -> None:
        """Sets the present topics: a partition that is gone no longer holds `as_of` back."""
        if topology != self._topology:
            self._topology = topology
            self._release()

    @property
    def topology(self) -> Topology | None:
        """The topics as they were last seen, None before that."""
        return self._topology

    def as_of(self) -> datetime | None:
        """Everything that reached Kafka before this (UTC) is in the reports; None when nothing is known.

        It stands still while there is a partition that no worker has reported yet. It never lies in the future: where
        the clock of this process is set back, it goes with it.
        """
        if self._complete():
            known = [at.as_of for partition, at in self._known.items() if self._exists(partition)]
            known_as_of = [as_of for as_of in known if as_of is not None]
            if len(known_as_of) == len(known):
                self._latest_as_of = min(known_as_of, key=lambda one: one.steady, default=None)
        return None if self._latest_as_of is None else self._on_the_wall(self._latest_as_of)

    def positions(self, topic: str) -> dict[Partition, Position]:
        """How far the reports are in each partition of a topic."""
        return {
            partition: Position(known.epoch, known.next)
            for partition, known in self._known.items()
            if partition.topic == topic
        }

    @property
    def ahead(self) -> float:
        """Seconds by which the clock of a worker is ahead of that of this process; 0 where none is."""
        since = self._clock() - AHEAD_KEPT_SECONDS
        most = max((ahead for ahead, heard in self._ahead.values() if heard > since), default=0.0)
        return most if most > AHEAD_SECONDS else 0.0

    @property
    def times_set_back(self) -> int:
        """How often the clock of this machine was set back since the process started."""
        self._see_clock()
        return self._set_back

    def _on_the_wall(self, instant: _Instant) -> datetime:
        shift = self._instants.shift(instant.heard)
        return instant.reported + timedelta(seconds=shift) if shift else instant.reported

    def _see_clock(self) -> None:
        """Answers from before the clock was set back bear an instant in the future: none of them holds."""
        times = self._instants.times_set_back
        if times != self._set_back:
            self._set_back = times
            self.changed()

    def changed(self, shop: str | None = None) -> None:
        """A notice that the reports of a shop changed; what changed was in a progress message before it.

        Without a shop: those of any may have, because messages may have been missed.
        """
        self._numbers += 1
        if shop is None:
            self._mark_all_changed()
        else:
            self._shop(shop).notice = self._numbers

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

    def changed_days(self, shop: str, kind: str, version: int) -> Days:
        """As `FreshnessSource`. Empty, though the version is another one now: something else changed."""
        known = self._shops.get(shop) or _ShopChanges()
        changes = known.kinds.get(kind) or _KindChanges()
        if max(known.whole, changes.whole, self._forgotten) > version:
            return None
        return {day for day, number in changes.days.items() if number > version}

    def counters(self) -> dict[str, float]:
        """The counters of all workers, added up."""
        found: dict[str, float] = {}
        for counters in self._counters.values():
            for name, value in counters.items():
                found[name] = found.get(name, 0) + value
        return found

    def _mark_changed(self, changed: ChangedDays | None) -> None:
        self._numbers += 1
        if changed is None:
            self._mark_all_changed()
            return
        for name, kinds in changed.items():
            shop = self._shop(name)
            self._days -= shop.days
            shop.mark_changed(self._numbers, kinds)
            self._days += shop.days
            while self._days > DAYS_IN_ALL:
                self._forget_one()

    def _mark_all_changed(self) -> None:
        self._shops.clear()
        self._days = 0
        self._forgotten = self._numbers

    def _shop(self, name: str) -> _ShopChanges:
        """The changes of a shop, which becomes the most recently changed one."""
        shop = self._shops.setdefault(name, _ShopChanges())
        self._shops.move_to_end(name)
        if len(self._shops) > SHOPS:
            self._forget_one()
        return shop

    def _forget_one(self) -> None:
        _, gone = self._shops.popitem(last=False)
        self._days -= gone.days
        self._forgotten = max(gone.message, gone.notice)

    def _count(self, state: PipelineState) -> None:
        self._counters[state.worker] = state.counters
        self._counters.move_to_end(state.worker)
        if len(self._counters) > WORKERS:
            gone, _ = self._counters.popitem(last=False)
            self._ahead.pop(gone, None)

    async def wait(self, positions: Iterable[RequiredPosition]) -> None:
        """Returns once every position is included; cancel it to give up."""
        waiter = _Waiter(frozenset(positions), asyncio.get_running_loop().create_future())
        if self.includes(waiter.positions):
            return
        self._waiters.add(waiter)
        try:
            await waiter.done
        finally:
            self._waiters.discard(waiter)

    def includes(self, positions: Iterable[RequiredPosition]) -> bool:
        """Whether each position is included; those of topics that no report uses always are."""
        return all(
            required.partition.topic not in INPUTS or self._has(required) for required in positions
        )

    def _release(self) -> None:
        for waiter in self._waiters:
            if not waiter.done.done() and self.includes(waiter.positions):
                waiter.done.set_result(None)

    def _complete(self) -> bool:
        """Whether every partition was reported; while the topology is unknown, every topic."""
        if self._topology is None:
            return {partition.topic for partition in self._known} >= set(INPUTS)
        return all(
            Partition(topic, number) in self._known
            for topic in INPUTS
            if (state := self._topology.get(topic))
            for number in range(state.partitions)
        )

    def _has(self, required: RequiredPosition) -> bool:
        if not required.next:
            return True
        known = self._known.get(required.partition)
        return (
            known is not None
            and known.epoch == self._epoch(required, known)
            and known.next >= required.next
        )

    def _epoch(self, required: RequiredPosition, known: _PartitionFreshness) -> int:
        if required.epoch is not None:
            return required.epoch
        state = (self._topology or {}).get(required.partition.topic)
        return known.epoch if state is None else state.epoch

    def _exists(self, partition: Partition) -> bool:
        """False only if its topic exists without it: a topic that is missing now may come back."""
        state = (self._topology or {}).get(partition.topic)
        return state is None or partition.partition < state.partitions

    def _later(
        self,
        partition: Partition,
        known: _PartitionFreshness,
        reported: _PartitionFreshness,
        replayed: bool,
    ) -> _PartitionFreshness:
        """Of two epochs the present one counts, else what is reported now; of one epoch the greater offset and instant.

        A worker that has lost its partitions, and does not know it yet, reports less than its successor.
        """
        if reported.epoch != known.epoch:
            present = (self._topology or {}).get(partition.topic)
            if present is not None and present.epoch in (known.epoch, reported.epoch):
                return reported if reported.epoch == present.epoch else known
            return known if replayed else reported
        instants = [each.as_of for each in (known, reported) if each.as_of is not None]
        latest = max(instants, key=lambda one: one.steady, default=None)
        return _PartitionFreshness(known.epoch, max(known.next, reported.next), latest)


def _instant(as_of: datetime, at: datetime | None, now: datetime, steady: float) -> _Instant | None:
    """One in the future comes from a clock that is ahead, or from this one before it was set back: what counts then is
    how long ago it was at `at`, when it was reported; None where that is not known either."""
    if as_of > now:
        if at is None:
            return None
        as_of = now - max(timedelta(), at - as_of)
    return _Instant(as_of, steady, steady - (now - as_of).total_seconds())
