"""How far the reports are: `asOf`, and waiting until a place is included. Single-threaded, no I/O."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from shopstream.api.standing import Standing
from shopstream.api.topology import Topology
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import PipelineState, Progress
from shopstream.contracts.topics import INPUTS

SHOPS = 20_000
"""Shops whose latest change is remembered; one that is not counts as changed with the last that was forgotten."""
HEARD_SECONDS = 2.0
"""A worker says something at least twice a second."""
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


class ProgressBook:
    """What the pipeline's workers have said, the latest of each partition; `clock` in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard = -HEARD_SECONDS
        self._changes = 0
        self._forgotten = 0
        self._shops: OrderedDict[str, int] = OrderedDict()
        self._known: dict[Partition, Progress] = {}
        self._counters: OrderedDict[str, Mapping[str, float]] = OrderedDict()
        self._topology: Topology | None = None
        self._waiters: set[_Waiter] = set()
        self._version = 0
        self._told: datetime | None = None

    def observe(self, state: PipelineState) -> None:
        """Takes a worker's word, live or stored; an older one than is known changes nothing."""
        self._heard = self._clock()
        for partition, progress in state.partitions.items():
            known = self._known.get(partition)
            now = progress if known is None else _later(known, progress)
            if known is None or (known.epoch, known.next) != (now.epoch, now.next):
                self._version += 1
            self._known[partition] = now
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

    def changed(self, shop: str | None = None) -> None:
        """The reports of a shop changed, or maybe those of any, where a notice may have been missed."""
        self._changes += 1
        if shop is None:
            self._shops.clear()
            self._forgotten = self._changes
            return
        self._shops[shop] = self._changes
        self._shops.move_to_end(shop)
        if len(self._shops) > SHOPS:
            _, self._forgotten = self._shops.popitem(last=False)

    def standing(self, shop: str, *, readable: bool) -> Standing:
        """What is known of a shop's reports now; `readable`: whether notices can be read at all."""
        return Standing(
            version=self._version if self._known and readable else None,
            changes=self._shops.get(shop, self._forgotten),
            as_of=self.as_of(),
            heard=self._clock() < self._heard + HEARD_SECONDS,
        )

    def counters(self) -> dict[str, float]:
        """The counters of all workers, added up."""
        found: dict[str, float] = {}
        for counters in self._counters.values():
            for name, value in counters.items():
                found[name] = found.get(name, 0) + value
        return found

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
