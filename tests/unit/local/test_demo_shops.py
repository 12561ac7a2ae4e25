import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest

from local.demo.events import Event, money, settings_event, supplier_event
from local.demo.producer import DAYS, MOST_ORDERS, known_world, live
from local.demo.shops import SHOPS
from local.demo.stream import Stream, beginning
from local.demo.world import World, hour_of
from shopstream.contracts.events import DATA, read_event
from shopstream.contracts.topics import TOPIC_OF_TYPE
from shopstream.producer.routing import record_key, route

NOW = datetime(2026, 11, 25, 14, 20, tzinfo=UTC)
WORLD = World(seed=1, opened=hour_of(NOW))


def events_of(start: datetime, end: datetime) -> list[Event]:
    return list(Stream(WORLD, start).until(end))


def by_id(events: list[Event]) -> dict[tuple[str, str, str], Event]:
    return {(event["shopid"], event["source"], event["id"]): event for event in events}


@pytest.fixture(scope="module")
def past() -> list[Event]:
    return events_of(beginning(WORLD, NOW, DAYS, MOST_ORDERS), NOW)


@pytest.fixture(scope="module")
def day() -> list[Event]:
    return events_of(NOW, NOW + timedelta(days=1))


def test_every_event_keeps_the_rules_and_finds_its_topic(past: list[Event], day) -> None:
    fixed = [make(shop) for shop in SHOPS for make in (settings_event, supplier_event)]
    for event in [*fixed, *past[::2], *day[::5]]:
        text = json.dumps(event).encode()
        record = route(text)
        assert record.topic == TOPIC_OF_TYPE[event["type"]]
        assert record.key == record_key(record.topic, event)
        assert record.key is not None
        if event["type"] in DATA:
            read_event(text, record.topic)


def test_the_past_has_some_thousand_orders_of_every_fate(past: list[Event]) -> None:
    orders = [event["data"] for event in past if event["type"].startswith("order:")]
    assert 5_000 < len({order["orderId"] for order in orders}) < 8_000
    assert {order["currency"] for order in orders} == {"EUR", "USD", "INR", "JPY", "GBP"}
    assert {order["status"] for order in orders} == {
        "pending",
        "paid",
        "processing",
        "shipped",
        "delivered",
        "completed",
        "cancelled",
        "failed",
        "refunded",
    }
    partly = [order for order in orders if order["status"] == "completed"]
    assert any("refundedQuantity" in item for order in partly for item in order["items"])
    assert any("refundedTotal" in order for order in partly)


def test_events_come_in_the_order_of_time_and_never_from_the_future(past: list[Event]) -> None:
    times = [event["time"] for event in past]
    assert times == sorted(times)
    assert datetime.fromisoformat(times[-1]) < NOW


def test_an_identifier_is_given_once(past: list[Event], day: list[Event]) -> None:
    assert len(by_id([*past, *day])) == len(past) + len(day)


def test_the_same_past_gives_the_same_events_wherever_the_stream_begins(day: list[Event]) -> None:
    whole = by_id(day)
    for hours in (1, 11, 20):
        start = NOW + timedelta(hours=hours, minutes=7)
        later = by_id(events_of(start, start + timedelta(hours=2)))
        assert later
        assert all(whole[key] == event for key, event in later.items())


def test_a_start_in_the_past_agrees_with_one_before(past: list[Event]) -> None:
    whole = by_id(past)
    later = by_id(events_of(NOW - timedelta(days=5), NOW))
    assert {key: whole[key] for key in later} == later


def test_days_have_a_rhythm(day: list[Event]) -> None:
    tokyo = [event for event in day if event["shopid"] == "demo-stationery"]
    hours = Counter(
        (datetime.fromisoformat(event["time"]).hour + 9) % 24
        for event in tokyo
        if event["type"] == "order:created"
    )
    assert hours[12] > 4 * hours[3]


def test_stock_goes_down_with_sales_and_is_low_now_and_then(day: list[Event]) -> None:
    levels = [event for event in day if event["type"] == "inventory:updated"]
    quantities = [event["data"]["quantity"] for event in levels]
    low = sum(quantity <= 10 for quantity in quantities) / len(quantities)
    assert min(quantities) >= 0
    assert 0.005 < low < 0.2


def test_the_live_rate_stays_within_the_limit(day: list[Event]) -> None:
    hours = Counter(event["time"][:13] for event in day)
    assert 1 < len(day) / 86400 < 3
    assert max(hours.values()) / 3600 < 5


def test_live_events_wait_for_their_time_and_for_the_limit() -> None:
    clock = [NOW]

    def sleep(seconds: float) -> None:
        clock[0] += timedelta(seconds=seconds)

    seen = [
        (clock[0], datetime.fromisoformat(event["time"]))
        for event in islice(live(Stream(WORLD, NOW), lambda: clock[0], sleep), 500)
    ]
    assert all(at >= happened for at, happened in seen)
    assert all(b[0] - a[0] >= timedelta(seconds=0.2) for a, b in pairwise(seen))
    assert max(at - happened for at, happened in seen) < timedelta(seconds=10)


def test_a_long_run_does_not_send_a_longer_past() -> None:
    later = NOW + timedelta(days=30)
    start = beginning(WORLD, later, DAYS, MOST_ORDERS)
    assert later - timedelta(days=1) < start < later - timedelta(hours=6)


def test_the_world_of_a_data_directory_is_kept(tmp_path) -> None:
    world = known_world(tmp_path, NOW)
    assert world == WORLD
    assert known_world(tmp_path, NOW + timedelta(days=3)) == world


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(435, "EUR", "4.35"), (100, "USD", "1.0"), (680, "JPY", "680"), (14990010, "INR", "149900.1")],
)
def test_money_is_written_exactly(minor: int, currency: str, text: str) -> None:
    assert json.dumps(money(minor, currency)) == text
