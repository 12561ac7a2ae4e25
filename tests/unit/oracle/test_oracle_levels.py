"""Crossings of thresholds, in the order of arrival."""

from typing import Any

from oracle.book import Book
from oracle.tables import tables
from support.events import level, order, record, settings


def alerts(*events: dict[str, Any]) -> list[tuple[bool, int, int]]:
    """Low or recovered, quantity, threshold."""
    book = Book()
    book.take_all(record(event) for event in events)
    return [(c.low, c.quantity, c.threshold) for c in book.crossings]


def levels(*quantities: int, **more: Any) -> list[dict[str, Any]]:
    return [level("s", "p", q, version=n, **more) for n, q in enumerate(quantities)]


def test_a_product_that_was_never_heard_of_is_above() -> None:
    assert alerts(*levels(11)) == []
    assert alerts(*levels(10)) == [(True, 10, 10)]


def test_nothing_in_between_repeats() -> None:
    assert alerts(*levels(20, 10, 3, -2, 10, 11, 50, 9)) == [
        (True, 10, 10),
        (False, 11, 10),
        (True, 9, 10),
    ]


def test_older_and_repeated_versions_change_nothing() -> None:
    high, low, again = levels(20, 5, 30)
    assert alerts(high, low, low, high, again, low) == [(True, 5, 10), (False, 30, 10)]
    assert alerts(again, low, high) == []


def test_a_level_is_one_of_a_place() -> None:
    book = Book()
    book.take_all(
        record(event)
        for event in (level("s", "p", 5), level("s", "p", 5, locationId="l"), level("t", "p", 5))
    )
    assert [c[:3] for c in book.crossings] == [("s", "p", None), ("s", "p", "l"), ("t", "p", None)]


def test_the_threshold_is_the_events_own_else_the_shops_else_ten() -> None:
    shop = settings("s", lowStockThreshold=3)
    assert alerts(*levels(5)) == [(True, 5, 10)]
    assert alerts(shop, *levels(5)) == []
    assert alerts(shop, *levels(5, lowStockThreshold=6)) == [(True, 5, 6)]
    assert alerts(*levels(0, lowStockThreshold=0)) == [(True, 0, 0)]
    assert alerts(settings("s", lowStockThreshold=0), *levels(1)) == []


def test_a_changed_threshold_acts_from_the_next_event_on() -> None:
    first, second = levels(8, 8)
    raised = settings("s", version=1, lowStockThreshold=5)
    assert alerts(first, raised) == [(True, 8, 10)]
    assert alerts(first, raised, second) == [(True, 8, 10), (False, 8, 5)]


def test_an_alert_says_when_and_what() -> None:
    book = Book()
    book.take(record(level("s", "p", 4, version=1, sku="CUP", locationId="l")))
    crossing = book.crossings[0]
    assert (crossing.sku, crossing.at.isoformat()) == ("CUP", "2026-11-22T11:06:41+00:00")
    assert tables(book).rows["alerts"] == {("s", "p", "l"): ((crossing.at, True, 4, 10, "CUP"),)}


def test_a_product_is_called_as_the_latest_order_or_level_that_stands_calls_it() -> None:
    book = Book()

    def called(event: dict[str, Any]) -> str | None:
        book.take(record(event))
        return tables(book).names.get(("s", "p-1"))

    assert called(level("s", "p-1", 1)) is None
    assert called(level("s", "p-1", 1, version=2, name="Cup")) == "Cup"
    assert called(order("s", "o", version=1)) == "Cup"
    assert called(order("s", "o", version=3)) == "Tea"
    assert called(level("s", "p-1", 1, version=4, name="Mug", locationId="l")) == "Mug"
    assert called(level("s", "p-1", 1, version=5, locationId="l")) == "Tea"
