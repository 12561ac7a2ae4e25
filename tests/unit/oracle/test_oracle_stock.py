"""The list of levels, with what an alert would say of each."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from oracle.book import Book
from oracle.report import Reports
from support.events import bought, item, level, order, purchase, record, settings

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def stock(*events: dict[str, Any], low: bool | None = None) -> list[dict[str, Any]]:
    book = Book()
    book.take_all(record(event) for event in events)
    found: list[dict[str, Any]] = Reports(book).stock("s", NOW, low)["levels"]
    return found


def sold(day: int, quantity: int, **more: Any) -> dict[str, Any]:
    created = f"2026-11-{day:02}T00:00:00Z"
    items = [item("p", quantity, "1", name="Cup")]
    return order("s", f"o-{day}", created=created, items=items, **more)


def test_a_level_with_everything_that_is_known_of_it() -> None:
    assert stock(
        level("s", "p", 12, sku="CUP", locationId="l", lowStockThreshold=12),
        purchase("s", "b", items=[bought("p", 5), bought("q", 1)]),
        sold(25, 3),
        sold(12, 2, currency="USD"),
        sold(11, 100),  # the day before the fourteen
        sold(13, 100, status="cancelled"),
    ) == [
        {
            "productId": "p",
            "locationId": "l",
            "name": "Cup",
            "sku": "CUP",
            "quantity": 12,
            "threshold": 12,
            "onOrder": 5,
            "dailySales": Decimal("0.36"),
            "daysOfCover": Decimal("33.6"),
            "low": True,
        }
    ]


def test_less_than_nothing_lasts_no_day_and_nothing_sold_lasts_for_ever() -> None:
    cover = [row["daysOfCover"] for row in stock(level("s", "p", -5), sold(25, 1))]
    assert cover == [Decimal("0.0")]
    assert [row["daysOfCover"] for row in stock(level("s", "p", 5))] == [None]


def test_whether_a_level_is_low_is_asked_of_the_thresholds_of_now() -> None:
    rows = [level("s", "p", 8), level("s", "q", 8, lowStockThreshold=8)]
    told = settings("s", lowStockThreshold=7)
    assert [(r["threshold"], r["low"]) for r in stock(*rows)] == [(10, True), (8, True)]
    assert [(r["threshold"], r["low"]) for r in stock(*rows, told)] == [(7, False), (8, True)]
    assert [r["productId"] for r in stock(*rows, told, low=True)] == ["q"]
    assert [r["productId"] for r in stock(*rows, told, low=False)] == ["p"]


def test_levels_are_in_the_order_of_products_and_places() -> None:
    rows = [("q", None), ("p", "b"), ("p", None), ("P", "z"), ("p", "a")]
    found = stock(
        *(level("s", p, 1, **({"locationId": where} if where else {})) for p, where in rows)
    )
    assert [(row["productId"], row["locationId"]) for row in found] == [
        *(("P", "z"), ("p", None), ("p", "a"), ("p", "b"), ("q", None))
    ]
