import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest

from local.demo.events import Event, money, settings_event, supplier_event
from local.demo.producer import Known, beginning, live, meanwhile, note, read_known, send_past
from local.demo.shops import SHOPS, Shop
from local.demo.stream import Stream
from local.demo.world import World
from shopstream.contracts.events import DATA, read_event
from shopstream.contracts.routing import record_key
from shopstream.contracts.topics import TOPIC_OF_TYPE
from shopstream.producer.routing import route

NOW = datetime(2026, 11, 25, 14, 20, tzinfo=UTC)
WORLD = World(seed=1)
NEW = Known(WORLD, None)
TWO = SHOPS[:2]
"""Of one customers fetch their orders, the other ships them. A stream costs each shop the five days before it."""


def events_of(start: datetime, end: datetime, shops: tuple[Shop, ...] = SHOPS) -> list[Event]:
    """All of them, as they are sent while they happen."""
    return list(Stream(WORLD, start, shops).until(end))


def by_id(events: list[Event]) -> dict[tuple[str, str, str], Event]:
    return {(event["shopid"], event["source"], event["id"]): event for event in events}


@pytest.fixture(scope="module")
def past() -> list[Event]:
    return events_of(beginning(NEW, NOW), NOW)


@pytest.fixture(scope="module")
def day() -> list[Event]:
    return events_of(NOW, NOW + timedelta(days=1))


def test_every_event_keeps_the_rules_and_finds_its_topic(past: list[Event], day) -> None:
    fixed = [make(shop) for shop in SHOPS for make in (settings_event, supplier_event)]
    for event in [*fixed, *past[::10], *day[::5]]:
        text = json.dumps(event).encode()
        record = route(text)
        assert record.topic == TOPIC_OF_TYPE[event["type"]]
        assert record.key == record_key(record.topic, event)
        assert record.key is not None
        if event["type"] in DATA:
            read_event(text, record.topic)


def test_the_past_has_thousands_of_orders_of_every_fate(past: list[Event]) -> None:
    orders = [event["data"] for event in past if event["type"].startswith("order:")]
    assert 8_000 < len({order["orderId"] for order in orders}) < 16_000
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
        later = by_id(events_of(start, start + timedelta(hours=2), TWO))
        assert later
        assert all(whole[key] == event for key, event in later.items())


def test_a_start_in_the_past_agrees_with_one_before(past: list[Event]) -> None:
    whole = by_id(past)
    later = by_id(events_of(NOW - timedelta(days=1), NOW, TWO))
    assert {key: whole[key] for key in later} == later


def test_days_have_a_rhythm(day: list[Event]) -> None:
    tokyo = [event for event in day if event["shopid"] == "demo-stationery"]
    hours = Counter(
        (datetime.fromisoformat(event["time"]).hour + 9) % 24
        for event in tokyo
        if event["type"] == "order:created"
    )
    assert hours[12] > 1.5 * hours[3]


def test_days_and_hours_of_the_past_are_as_dense_as_today(past: list[Event]) -> None:
    """A bar of the present hour does not tower over the others."""
    created = [event["time"] for event in past if event["type"] == "order:created"]
    days = Counter(time[:10] for time in created)
    whole = [days[f"2026-11-{day}"] for day in range(18, 25)]
    assert len(whole) == 7 and max(whole) < 2 * min(whole)
    hours = Counter(time[:13] for time in created)
    assert hours["2026-11-25T13"] < 2 * max(hours["2026-11-24T13"], hours["2026-11-23T13"])


@pytest.mark.parametrize("hour", range(14))
def test_no_shop_is_closed_at_any_hour(day: list[Event], hour: int) -> None:
    during = f"2026-11-26T{hour:02}"
    shops = Counter(event["shopid"] for event in day if event["time"].startswith(during))
    assert set(shops) == {shop.id for shop in SHOPS}
    assert min(shops.values()) > 60


def test_of_history_sales_are_sent_first() -> None:
    sent: list[Event] = []
    start = NOW - timedelta(hours=2)
    send_past(Stream(WORLD, start, TWO, history=NOW), sent.append, NOW)
    sales = [event["type"].startswith(("order:", "payment:")) for event in sent]
    assert sales == sorted(sales, reverse=True)
    assert by_id(sent) == by_id(list(Stream(WORLD, start, TWO, history=NOW).until(NOW)))


def test_of_history_only_outcomes_are_sent(past: list[Event]) -> None:
    """No report of the past needs more, and a week of it has to be there within a minute."""
    sent = list(Stream(WORLD, beginning(NEW, NOW), TWO, history=NOW).until(NOW))
    past = [event for event in past if event["shopid"] in {shop.id for shop in TWO}]
    assert len(sent) < 0.6 * len(past)
    everything, kinds = by_id(past), ("storefront", "payment", "purchase")
    assert all(everything[key] == event for key, event in by_id(sent).items())
    assert latest(sent, "order", "orderId") == latest(past, "order", "orderId")
    for kind in kinds:
        assert [e for e in sent if e["type"].startswith(kind)] == [
            e for e in past if e["type"].startswith(kind)
        ]
    assert latest(sent, "inventory", "productId") == latest(past, "inventory", "productId")


def latest(events: list[Event], kind: str, name: str) -> dict[tuple[str, str], Event]:
    return {
        (event["shopid"], event["data"][name]): event
        for event in events
        if event["type"].startswith(kind)
    }


def test_stock_goes_down_with_sales_and_is_low_now_and_then(day: list[Event]) -> None:
    levels = [event for event in day if event["type"] == "inventory:updated"]
    quantities = [event["data"]["quantity"] for event in levels]
    low = sum(quantity <= 10 for quantity in quantities) / len(quantities)
    assert min(quantities) >= 0
    assert 0.005 < low < 0.2


def test_the_live_rate_stays_within_the_limit(day: list[Event]) -> None:
    hours = Counter(event["time"][:13] for event in day)
    assert 0.1 < len(day) / 86400 < 1
    assert max(hours.values()) / 3600 < 2


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


@pytest.mark.parametrize("hour", [0, 3, 14, 22])
def test_every_shop_has_an_event_within_ten_seconds_and_an_order_within_thirty(hour: int) -> None:
    """From the start of the demo on, also while history is still being sent, and at night."""
    clock = [NOW.replace(hour=hour)]
    begun = clock[0]

    def sleep(seconds: float) -> None:
        clock[0] += timedelta(seconds=seconds)

    def done() -> bool:
        return clock[0] - begun > timedelta(minutes=1)

    seen = [(clock[0] - begun, event) for event in meanwhile(WORLD, done, lambda: clock[0], sleep)]
    for shop in SHOPS:
        ours = [(at.total_seconds(), event) for at, event in seen if event["shopid"] == shop.id]
        assert ours[0][0] < 10
        assert next(at for at, event in ours if event["type"] == "order:created") < 30
        assert all(b[0] - a[0] <= 10 for a, b in pairwise(ours))
    for _, event in seen:
        route(json.dumps(event).encode())
        if event["type"] in DATA:
            read_event(json.dumps(event).encode(), TOPIC_OF_TYPE[event["type"]])
    assert all(datetime.fromisoformat(event["time"]) <= begun + at for at, event in seen)
    assert len(by_id([event for _, event in seen])) == len(seen)
    paid = [event for _, event in seen if event["type"] == "payment:received"]
    assert len(paid) >= len(SHOPS)


def test_where_it_goes_on_is_kept(tmp_path) -> None:
    assert read_known(tmp_path) == NEW
    assert beginning(NEW, NOW) == NOW.replace(minute=0) - timedelta(days=8)
    until = NOW - timedelta(hours=5)
    note(tmp_path, WORLD, until)
    assert read_known(tmp_path) == Known(WORLD, until)
    assert beginning(Known(WORLD, until), NOW) == until
    assert beginning(Known(WORLD, until), NOW + timedelta(days=30)) == (
        NOW.replace(minute=0) + timedelta(days=22)
    )
    assert beginning(Known(WORLD, NOW + timedelta(hours=1)), NOW) == NOW


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(435, "EUR", "4.35"), (100, "USD", "1.0"), (680, "JPY", "680"), (14990010, "INR", "149900.1")],
)
def test_money_is_written_exactly(minor: int, currency: str, text: str) -> None:
    assert json.dumps(money(minor, currency)) == text
