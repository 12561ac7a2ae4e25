"""Streams of a shop that changes its words, whatever comes, stops, comes back and is forgotten meanwhile."""

import asyncio
import json
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_mutations import fuzz
from test_decisions import NOW, ORDER, Shops, settled

from api.freshness.tracker import RequiredPosition
from api.push import channels, replay
from api.push.catch_up import CatchUps
from api.push.records import PushEvent
from api.push.stored_events import Span, StoredEvent
from api.push.subscriber import Subscriber, SubscriptionFilter
from shopstream.contracts.cursor import Position, decode

ENDS = ("stream:ready", "stream:bye")


class Shop(Shops):
    """The pipeline has stored the orders up to offset `stored`."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self.hub.replay.catch_up = CatchUps(self.hub, self, self.included)  # type: ignore[arg-type]
        self.dice = dice
        self.stored = 0
        self.streams: list[tuple[Subscriber, Any]] = []
        self.cursors: list[str | None] = [None, self.hub._channels.join("s", NOW).cursor()]

    def includes(self, positions: Iterable[RequiredPosition]) -> bool:
        return all(one.partition != ORDER or one.next <= self.stored for one in positions)

    async def included(self, positions: Iterable[RequiredPosition]) -> None:
        wanted = list(positions)
        while not self.includes(wanted):
            await asyncio.sleep(0)

    async def page(
        self, shop: str, span: Span, wanted: SubscriptionFilter, limit: int
    ) -> list[StoredEvent]:
        await asyncio.sleep(0)
        if ORDER not in span.until:
            return []
        found = range(span.since[ORDER].next + 1, span.until[ORDER].next + 1)
        return [
            StoredEvent(
                PushEvent(shop, "order:created", None, b'{"id":"o%d"}' % at),
                ORDER,
                Position(1, at),
                NOW * 1000,
            )
            for at in found
            if at in self.stands
        ][:limit]

    def come(self) -> None:
        """An order whose word only the pipeline knows, or whose status is one of ours; or settings."""
        if not self.dice.randrange(6):
            self.settings()
        at, status = self.ends[ORDER] + 1, self.dice.choice(("paid", "new"))
        if status == "paid" or self.dice.randrange(2):
            self.stands.add(at)
        self.order(f"o{at}", status)
        for place, end in self.ends.items():
            self.hub.read.passed(place, Position(1, end))

    def act(self) -> None:
        streams = [one for one, _ in self.streams if not one.ended]
        one = self.dice.choice(streams) if streams else None
        match self.dice.randrange(12):
            case 0:
                self.stored = min(self.ends[ORDER], self.stored + 1)
            case 6 | 7:
                self.stored = self.ends[ORDER]
            case 1 | 2:
                self.streams.append(self.join(since=self.dice.choice(self.cursors)))
            case 3 | 4 if one and one.paused is None:
                self.hub.pause(one)
            case 3 | 4 if one:
                self.hub.on_writable(one)
            case 5 if one:
                self.cursors.append(self.hub.delivery.cursor_of(one))
                self.hub.end(one, "rotate")
            case _:
                self.come()


@fuzz(2)
@given(st.integers(0, 2**64))
async def test_a_stream_gets_each_accepted_order_once_and_in_order(seed: int) -> None:
    dice = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(channels, "MAX_ENTRIES", dice.choice((2, 3, 5, 4096, 4096)))
        patch.setattr(replay, "SLICE", dice.choice((1, 2, 64)))
        shop = Shop(dice)
        shop.settings()  # from here on no word is certain
        for _ in range(dice.randrange(50, 150)):
            shop.act()
            if dice.randrange(2):
                await asyncio.sleep(0)
        shop.stored = shop.ends[ORDER]
        for one, _ in shop.streams:
            shop.hub.on_writable(one)
        for _ in range(5):
            await settled()
    for stream, outlet in shop.streams:
        said = [json.loads(text) for text in outlet.written.split(b"\x1e")[:-1]]
        ends = [one["cursor"] for one in said if one.get("control") in ENDS]
        at = [decode(cursor)[ORDER].next for cursor in ends]
        if not stream.ended:
            assert stream.seq is None, "it waits for ever"
            at.append(shop.stored)
        if len(at) == 2:
            expected = [f"o{each}" for each in sorted(shop.stands) if at[0] < each <= at[1]]
            assert [one["event"]["id"] for one in said if "event" in one] == expected
