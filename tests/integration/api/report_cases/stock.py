"""Levels as they now stand."""

from typing import Any

from report_cases.case import SHOP, Case, sold, zone
from support.events import bought, level, purchase


def _level(product: str, quantity: int, low: bool, **more: Any) -> dict[str, Any]:
    rest: dict[str, Any] = {
        "locationId": None,
        "name": None,
        "sku": None,
        "threshold": 10,
        "onOrder": 0,
        "dailySales": 0,
        "daysOfCover": None,
    }
    return {"productId": product, "quantity": quantity, "low": low, **rest, **more}


SHELF = [
    level(SHOP, "b", 11, locationId="x"),
    level(SHOP, "b", 10, sku="B-1", name="Bowl"),
    level(SHOP, "a", 3, lowStockThreshold=2),
    level(SHOP, "a", 2, locationId="y", lowStockThreshold=2),
]
CASES = [
    Case("no levels", "/stock", {"levels": [], "next": None}),
    Case(
        "by product, then location, none first",
        "/stock",
        {
            "levels": [
                _level("a", 3, False, threshold=2),
                _level("a", 2, True, threshold=2, locationId="y"),
                _level("b", 10, True, name="Bowl", sku="B-1"),
                _level("b", 11, False, name="Bowl", locationId="x"),
            ],
            "next": None,
        },
        (SHELF,),
    ),
    Case(
        "only what is low",
        "/stock?low=true",
        {
            "levels": [
                _level("a", 2, True, threshold=2, locationId="y"),
                _level("b", 10, True, name="Bowl", sku="B-1"),
            ]
        },
        (SHELF,),
    ),
    Case(
        "only what is not low",
        "/stock?low=false&limit=2",
        {
            "levels": [
                _level("a", 3, False, threshold=2),
                _level("b", 11, False, name="Bowl", locationId="x"),
            ],
            "next": None,
        },
        (SHELF,),
    ),
    Case(
        "the first of two pages",
        "/stock?limit=3",
        {
            "levels": [
                _level("a", 3, False, threshold=2),
                _level("a", 2, True, threshold=2, locationId="y"),
                _level("b", 10, True, name="Bowl", sku="B-1"),
            ],
            "next": "WyJiIiwiIl0",
        },
        (SHELF,),
    ),
    Case(
        "the second of two pages",
        "/stock?limit=3&cursor=WyJiIiwiIl0",
        {"levels": [_level("b", 11, False, name="Bowl", locationId="x")], "next": None},
        (SHELF,),
    ),
    Case(
        "a page behind a level that is not there",
        "/stock?cursor=WyJhIiwieiJd",
        {
            "levels": [
                _level("b", 10, True, name="Bowl", sku="B-1"),
                _level("b", 11, False, name="Bowl", locationId="x"),
            ]
        },
        (SHELF,),
    ),
    Case(
        "the latest level counts, with nothing of the one before",
        "/stock",
        {"levels": [_level("a", -1, True)]},
        (
            [level(SHOP, "a", 50, version=1, sku="A", name="Ant", lowStockThreshold=1)],
            [level(SHOP, "a", -1, version=3)],
            [level(SHOP, "a", 7, version=2, sku="B", name="Bee")],
        ),
    ),
    Case(
        "the shop's present threshold, whenever the level came",
        "/stock",
        {"levels": [_level("a", 5, False, threshold=4), _level("b", 5, True, threshold=5)]},
        (
            [level(SHOP, "a", 5), level(SHOP, "b", 5, lowStockThreshold=5)],
            [zone("UTC", lowStockThreshold=4, version=1)],
        ),
    ),
    Case(
        "a threshold that the shop takes back is 10 again",
        "/stock",
        {"levels": [_level("a", 10, True)]},
        (
            [level(SHOP, "a", 10), zone("UTC", lowStockThreshold=0, version=1)],
            [zone("UTC", version=2)],
        ),
    ),
    Case(
        "how fast it sells, in any currency, over fourteen local days",
        "/stock",
        {
            "levels": [
                _level("p1", 20, False, dailySales=0.5, daysOfCover=40),
                _level("p2", 3, True, dailySales=0.07, daysOfCover=42),
                _level("p3", -2, True, dailySales=0.21, daysOfCover=0),
                _level("p4", -2, True),
            ]
        },
        (
            [
                zone("America/New_York"),
                level(SHOP, "p1", 20),
                level(SHOP, "p2", 3),
                level(SHOP, "p3", -2),
                level(SHOP, "p4", -2),
                sold("2026-11-09T04:59:59Z", 1, 100),
                sold("2026-11-09T05:00:00Z", 1, 4),
                sold("2026-11-23T04:59:59Z", 1, 5, currency="USD", back=2),
                sold("2026-11-23T05:00:00Z", 1, 100),
                sold("2026-11-20T05:00:00Z", 2, 100, status="cancelled"),
                sold("2026-11-20T05:00:00Z", 1, 1, product="p2"),
                sold("2026-11-20T05:00:00Z", 3, 3, product="p3"),
            ],
        ),
        now="2026-11-22T12:00:00+00:00",
    ),
    Case(
        "what is on order, at every location of its product",
        "/stock",
        {
            "levels": [
                _level("a", 20, False, onOrder=7),
                _level("a", 20, False, onOrder=7, locationId="x"),
                _level("b", 20, False),
            ]
        },
        (
            [
                level(SHOP, "a", 20),
                level(SHOP, "a", 20, locationId="x"),
                level(SHOP, "b", 20),
                purchase(SHOP, "1", items=[bought("a", 3), bought("b", 9)]),
                purchase(SHOP, "2", items=[bought("a", 7)]),
            ],
            [purchase(SHOP, "1", received=True, version=5, items=[bought("a", 3)])],
        ),
    ),
]
