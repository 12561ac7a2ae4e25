import asyncio
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from api.freshness.positions import check_positions, read_positions
from api.freshness.topology import TopicState
from api.freshness.tracker import FreshnessTracker, RequiredPosition
from api.reports import read_your_writes
from api.reports.read_your_writes import judge
from provider.apps import SECRET, Counting, application, client
from provider.signing import body
from shopstream.contracts.cursor import Partition, Position, encode
from shopstream.contracts.events import read_event
from shopstream.contracts.notices import PipelineState, Progress
from shopstream.contracts.reject import Reason
from shopstream.contracts.topics import INPUTS, INVENTORY, NOTICES, ORDERS
from support.events import order

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
P0, P1 = Partition(ORDERS, 0), Partition(ORDERS, 1)


def said(worker: str = "w1", epoch: int = 7, **reached: tuple[int, int]) -> PipelineState:
    """`p0=(next, seconds after noon)`."""
    return PipelineState(
        worker,
        {
            Partition(ORDERS, int(name[1:])): Progress(epoch, n, NOON + timedelta(seconds=after))
            for name, (n, after) in reached.items()
        },
        {"records": 1},
    )


async def included(tracker: FreshnessTracker, *places: RequiredPosition) -> bool:
    try:
        async with asyncio.timeout(0):
            await tracker.wait(places)
    except TimeoutError:
        return False
    return True


def only_orders(partitions: int = 2, epoch: int = 7) -> FreshnessTracker:
    """Of a broker with that one topic."""
    tracker = FreshnessTracker()
    tracker.see({ORDERS: TopicState(epoch, partitions)})
    return tracker


def test_as_of_is_that_of_the_slowest_partition() -> None:
    tracker = only_orders()
    assert tracker.as_of() is None
    tracker.observe(said("w1", p0=(5, 30)))
    assert tracker.as_of() is None
    tracker.observe(said("w2", p1=(5, 20)))
    assert tracker.as_of() == NOON + timedelta(seconds=20)
    assert tracker.counters() == {"records": 2}


def test_as_of_stands_still_while_a_partition_has_not_said_anything() -> None:
    tracker = only_orders(1)
    tracker.observe(said(p0=(5, 10)))
    assert tracker.as_of() == NOON + timedelta(seconds=10)
    tracker.see({ORDERS: TopicState(7, 2)})
    tracker.observe(said(p0=(9, 20)))
    assert tracker.as_of() == NOON + timedelta(seconds=10)
    tracker.observe(said(p1=(0, 15)))
    assert tracker.as_of() == NOON + timedelta(seconds=15)


def test_as_of_before_the_broker_was_seen_needs_a_word_of_every_topic() -> None:
    tracker = FreshnessTracker()
    tracker.observe(said(p0=(5, 10)))
    assert tracker.as_of() is None
    stored = {Partition(topic, 0): Progress(7, 0, NOON) for topic in INPUTS}
    tracker.observe(PipelineState("stored", stored))
    assert tracker.as_of() == NOON


def test_an_older_word_changes_nothing() -> None:
    tracker = only_orders(1)
    tracker.observe(said(p0=(5, 30)))
    tracker.observe(said(p0=(4, 10)))
    tracker.observe(said(epoch=6, p0=(900, 20)))
    assert tracker.as_of() == NOON + timedelta(seconds=30)


async def test_a_topic_that_was_made_again_counts_from_its_new_beginning() -> None:
    tracker = FreshnessTracker()
    tracker.observe(said(epoch=7, p0=(900, 1)))
    tracker.see({ORDERS: TopicState(8, 1)})
    assert not await included(tracker, RequiredPosition(P0, None, 1))
    tracker.observe(said(epoch=8, p0=(1, 2)))
    assert await included(tracker, RequiredPosition(P0, None, 1))
    assert not await included(tracker, RequiredPosition(P0, None, 2))


def test_a_partition_that_is_gone_holds_nothing_back() -> None:
    tracker = FreshnessTracker()
    tracker.observe(said(p0=(5, 30), p1=(5, 10)))
    tracker.see({ORDERS: TopicState(7, 1)})
    assert tracker.as_of() == NOON + timedelta(seconds=30)


async def test_a_place_is_included_once_everything_before_it_is() -> None:
    tracker = FreshnessTracker()
    assert not await included(tracker, RequiredPosition(P0, None, 1))
    tracker.observe(said(p0=(5, 1)))
    assert await included(tracker, RequiredPosition(P0, None, 5), RequiredPosition(P0, 7, 5))
    assert not await included(tracker, RequiredPosition(P0, None, 6))
    assert not await included(tracker, RequiredPosition(P0, 8, 5))
    assert not await included(tracker, RequiredPosition(P1, None, 1))


async def test_only_what_reports_are_made_of_is_waited_for() -> None:
    tracker = FreshnessTracker()
    tracker.observe(said(p0=(5, 1)))
    silent = Partition(INVENTORY, 0)
    assert not await included(tracker, RequiredPosition(silent, None, 10))
    assert await included(tracker, RequiredPosition(silent, None, 0))
    assert await included(tracker, RequiredPosition(Partition(NOTICES, 0), None, 10))


async def test_a_waiter_is_released_by_the_word_it_waits_for() -> None:
    tracker = FreshnessTracker()
    task = asyncio.create_task(
        tracker.wait([RequiredPosition(P0, None, 6), RequiredPosition(P1, None, 1)])
    )
    await asyncio.sleep(0)
    tracker.observe(said(p0=(6, 1)))
    await asyncio.sleep(0)
    assert not task.done()
    tracker.observe(said(p1=(1, 1)))
    await asyncio.wait_for(task, 1)


def test_an_offset_names_the_record_at_it() -> None:
    assert read_positions("shop.orders:1:41") == [RequiredPosition(P1, None, 42)]


def test_a_cursor_names_everything_before_it() -> None:
    text = encode({P0: Position(7, 3), P1: Position(7, 0)})
    assert read_positions(text) == [RequiredPosition(P0, 7, 3), RequiredPosition(P1, 7, 0)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop.orders",
        "shop.orders:1",
        "shop.orders:1:2:3",
        "shop.orders:-1:2",
        "shop.orders:1:-2",
        "shop.orders:x:2",
        "shop.orders:1:2.0",
        "shop.orders:1: 2",
        "shop.orders:1:٣",
        "shop.orders:99999999999:2",
        "shop.orders:1:9999999999999999999",
        "shop.deadletters:0:1",
        "other:0:1",
        "AQAB=",
        "not a cursor",
    ],
)
def test_a_text_that_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be topic:partition:offset or a cursor"):
        read_positions(text)


def test_a_place_must_exist_now() -> None:
    topics = {ORDERS: TopicState(7, 2)}
    check_positions([RequiredPosition(P1, None, 5), RequiredPosition(P1, 7, 5)], topics)
    check_positions([RequiredPosition(Partition(ORDERS, 2), None, 5)], None)
    with pytest.raises(ValueError, match=r"does not exist: shop\.orders:2"):
        check_positions([RequiredPosition(Partition(ORDERS, 2), None, 5)], topics)
    with pytest.raises(ValueError, match=r"no longer exists: shop\.orders:1"):
        check_positions([RequiredPosition(P1, 6, 5)], topics)
    with pytest.raises(ValueError, match=r"does not exist: shop\.inventory:0"):
        check_positions([RequiredPosition(Partition(INVENTORY, 0), None, 5)], topics)


def test_a_record_of_another_shop_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any shop may ask for any position, and the check of a big order takes 11 ms."""
    checked: list[object] = []

    def check(*given: Any) -> Any:
        checked.append(given)
        return read_event(*given)

    monkeypatch.setattr(read_your_writes, "read_event", check)
    broken = json.dumps(order("mine", "o-1", status="lost")).encode()
    record = SimpleNamespace(
        value=broken, headers=(), key=b"mine/o-1", topic=ORDERS, timestamp=1_795_342_530_123
    )
    assert judge(record, "other") is None  # type: ignore[arg-type]
    assert not checked
    assert judge(record, "mine") is Reason.BAD_VALUE  # type: ignore[arg-type]
    assert len(checked) == 1


async def test_a_notice_is_waited_for_where_notices_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While they cannot be, nothing is cached."""
    monkeypatch.setattr(read_your_writes, "WAIT_SECONDS", 0.1)
    token = jwt.encode(body(shops=["s1"]), SECRET, "HS256")
    for fault, status in ((None, 503), ("Kafka does not answer.", 200)):
        app = application(Counting(), kafka=lambda fault=fault: fault)
        async with client(app) as http:
            answer = await http.get(
                "/reports/daily-sales",
                params={"includes": encode({Partition(NOTICES, 0): Position(7, 3)})},
                headers={"Authorization": f"Bearer {token}"},
            )
        assert answer.status_code == status
