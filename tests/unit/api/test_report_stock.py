"""Rows of levels and the literal answer; how long stock lasts."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from api.reports.stock import (
    MOST_BYTES,
    Position,
    StockDetails,
    StockPage,
    read_cursor,
    sold_since,
    stock_body,
    write_cursor,
)
from shopstream.contracts.stock import cover, threshold


@pytest.mark.parametrize(
    ("quantity", "sold", "daily", "left"),
    [
        (10, 7, "0.50", "20.0"),
        (10, 14, "1.00", "10.0"),
        (3, 13, "0.93", "3.2"),
        (1, 1, "0.07", "14.0"),
        (0, 7, "0.50", "0.0"),
        (-5, 7, "0.50", "0.0"),
        (5, 0, "0.00", None),
        (-5, 0, "0.00", None),
        (1, 56, "4.00", "0.2"),  # 0.25, to even
        (3, 56, "4.00", "0.8"),  # 0.75, to even
        (2**40, 3, "0.21", "5131054262954.7"),
    ],
)
def test_cover_is_the_quantity_by_the_unrounded_daily_sales(
    quantity: int, sold: int, daily: str, left: str | None
) -> None:
    assert cover(quantity, sold) == (Decimal(daily), None if left is None else Decimal(left))


@pytest.mark.parametrize(
    ("own", "shop", "expected"),
    [(None, None, 10), (None, 4, 4), (None, 0, 0), (7, 4, 7), (0, 4, 0)],
)
def test_the_threshold_is_its_own_else_the_shops_else_ten(
    own: int | None, shop: int | None, expected: int
) -> None:
    assert threshold(own, shop) == expected


def level(product: str, location: str = "", quantity: int = 8, **more: Any) -> dict[str, Any]:
    found = {"product_id": product, "location_id": location, "sku": None, "quantity": quantity}
    return {**found, "threshold": 10, "low": 1, **more}


def body(page: StockPage, *rows: dict[str, Any]) -> dict[str, Any]:
    shelf = StockDetails({"p1": "Cup"}, {"p1": 7}, {"p1": 24})
    found: dict[str, Any] = orjson.loads(orjson.dumps(stock_body("s1", page, rows, shelf)))
    return found


def test_a_level_has_its_fields() -> None:
    rows = [level("p1", sku="C-1"), level("p2", "b", 20, low=0, threshold=3)]
    assert body(StockPage(), *rows) == {
        "shopId": "s1",
        "levels": [
            {
                "productId": "p1",
                "locationId": None,
                "name": "Cup",
                "sku": "C-1",
                "quantity": 8,
                "threshold": 10,
                "onOrder": 24,
                "dailySales": 0.5,
                "daysOfCover": 16,
                "low": True,
            },
            {
                "productId": "p2",
                "locationId": "b",
                "name": None,
                "sku": None,
                "quantity": 20,
                "threshold": 3,
                "onOrder": 0,
                "dailySales": 0,
                "daysOfCover": None,
                "low": False,
            },
        ],
        "next": None,
    }


def test_a_page_that_is_not_the_last_names_the_next() -> None:
    found = body(StockPage(limit=2), level("p1"), level("p1", "b"), level("p2"))
    assert len(found["levels"]) == 2
    assert read_cursor(found["next"]) == Position("p1", "b")
    assert body(StockPage(limit=2), level("p1"), level("p1", "b"))["next"] is None


def test_a_page_of_long_names_ends_early_and_names_the_next() -> None:
    shelf = StockDetails({"p1": "x" * MOST_BYTES, "p2": "y", "p3": "ä" * MOST_BYTES}, {}, {})
    rows = [level(product) for product in ("p1", "p2", "p3")]
    pages = []
    while rows:
        found = stock_body("s1", StockPage(), rows, shelf)
        pages.append([one["productId"] for one in found["levels"]])
        rows = rows[len(pages[-1]) :]
        assert (found["next"] is not None) == bool(rows)
    assert pages == [["p1"], ["p2"], ["p3"]]


@pytest.mark.parametrize(
    "place", [Position("p", ""), Position("p/ü😀", "x y"), Position("p" * 128, "l" * 128)]
)
def test_a_cursor_is_read_as_it_was_written_and_fits_into_a_url(place: Position) -> None:
    text = write_cursor(place)
    assert read_cursor(text) == place
    assert text.replace("-", "").replace("_", "").isalnum()


def test_sales_count_over_fourteen_local_days_with_today() -> None:
    start, end = sold_since(datetime(2026, 11, 1, 12, tzinfo=UTC), ZoneInfo("America/New_York"))
    assert (start.isoformat(), end.isoformat()) == (
        "2026-10-19T04:00:00+00:00",
        "2026-11-02T05:00:00+00:00",
    )
