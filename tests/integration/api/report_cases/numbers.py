"""What counts, in which currency, under which name."""

from decimal import Decimal

from report_cases.case import SHOP, Case, hour, product, sold, sums, zone
from support import events
from support.events import item, level, order

DAY = "/reports/daily-sales?date=2026-11-22"
MONTH = "/reports/monthly-sales?year=2026&month=10"
AT = "2026-11-22T10:00:00Z"


def _other(currency: str, revenue: object, orders: int, items: int) -> dict[str, object]:
    return {"currency": currency, **sums(revenue, orders, items)}


CASES = [
    Case(
        "an empty shop",
        DAY,
        {
            "date": "2026-11-22",
            "currency": None,
            "timezone": "UTC",
            "partial": True,
            **sums(0, 0, 0),
            "averageOrderValue": None,
            "entries": 24,
            "hourlyBreakdown": [],
            "topProducts": [],
            "otherCurrencies": [],
        },
    ),
    Case(
        "a shop that only said its currency",
        DAY,
        {"currency": "JPY", "timezone": "Asia/Tokyo", **sums(0, 0, 0)},
        ([zone("Asia/Tokyo", "JPY")],),
    ),
    Case(
        "refunds in part",
        DAY,
        {
            **sums(31.5, 2, 4),
            "averageOrderValue": 15.75,
            "topProducts": [product("p1", 3, 22.5), product("p2", 1, 10)],
        },
        (
            [
                sold(AT, "7.50", 5, back=2),
                sold("2026-11-22T10:30:00Z", 10, product="p2", refundedTotal="1"),
            ],
        ),
    ),
    Case(
        "a total of its own is not the sum of the lines",
        DAY,
        {**sums(95, 1, 2), "topProducts": [product("p1", 2, 20)]},
        ([sold(AT, 10, 2, total="100.00", refundedTotal=5)],),
    ),
    Case(
        "a refund beyond the total",
        DAY,
        {**sums(-4, 1, 1), "averageOrderValue": -4},
        ([sold(AT, 1, refundedTotal=5)],),
    ),
    Case(
        "everything refunded still counts as an order",
        DAY,
        {**sums(0, 1, 0), "averageOrderValue": 0, "topProducts": []},
        ([sold(AT, 10, 2, back=2)],),
    ),
    Case(
        "an order of last month is cancelled",
        MONTH,
        {**sums(5, 1, 1), "averageOrderValue": 5, "topProducts": [product("p1", 1, 5)]},
        (
            [
                sold("2026-10-05T10:00:00Z", 20, 2, order_id="a"),
                sold("2026-10-06T10:00:00Z", 5, order_id="b"),
            ],
            [sold("2026-10-05T10:00:00Z", 20, 2, order_id="a", version=5, status="cancelled")],
        ),
    ),
    Case(
        "failed and refunded orders do not count, pending ones do",
        DAY,
        {**sums(1, 1, 1)},
        (
            [
                sold(AT, 2, order_id="a", status="failed"),
                sold(AT, 4, order_id="b", status="refunded"),
                sold(AT, 1, order_id="c", status="pending"),
            ],
        ),
    ),
    Case(
        "an order comes back from cancelled",
        DAY,
        {**sums(3, 1, 1)},
        (
            [sold(AT, 3, order_id="a")],
            [sold(AT, 3, order_id="a", version=1, status="cancelled")],
            [sold(AT, 3, order_id="a", version=2)],
        ),
    ),
    Case(
        "an older version that comes late changes nothing",
        DAY,
        {**sums(9, 1, 1), "topProducts": [product("p1", 1, 9)]},
        ([sold(AT, 9, order_id="a", version=7)], [sold(AT, 1, order_id="a", version=6)]),
    ),
    Case(
        "a line that goes to another product",
        DAY,
        {**sums(2, 1, 1), "topProducts": [product("p2", 1, 2)]},
        (
            [sold(AT, 2, order_id="a")],
            [sold(AT, 2, order_id="a", version=1, product="p2")],
        ),
    ),
    Case(
        "the earliest order decides the currency, whenever it comes",
        DAY,
        {
            "currency": "USD",
            **sums(2, 1, 1),
            "topProducts": [product("p1", 1, 2)],
            "otherCurrencies": [_other("CHF", 4, 1, 1), _other("EUR", 1, 1, 1)],
        },
        (
            [sold(AT, 1), sold(AT, 4, currency="CHF", order_id="c")],
            [sold("2026-11-22T09:00:00Z", 2, currency="USD")],
        ),
    ),
    Case(
        "an order of another currency that is cancelled is not listed",
        DAY,
        {**sums(1, 1, 1), "otherCurrencies": []},
        (
            [sold("2026-11-22T09:00:00Z", 1), sold(AT, 2, currency="USD", order_id="a")],
            [sold(AT, 2, currency="USD", order_id="a", version=1, status="cancelled")],
        ),
    ),
    Case(
        "an order changes its currency",
        DAY,
        {"currency": "EUR", **sums(1, 1, 1), "otherCurrencies": [_other("GBP", 2, 1, 1)]},
        (
            [sold("2026-11-22T09:00:00Z", 1), sold(AT, 2, order_id="a")],
            [sold(AT, 2, order_id="a", version=1, currency="GBP")],
        ),
    ),
    Case(
        "the shop says another currency than its first order has",
        DAY,
        {
            "currency": "USD",
            **sums(2, 1, 1),
            "topProducts": [product("p1", 1, 2)],
            "otherCurrencies": [_other("EUR", 1, 1, 1)],
        },
        (
            [sold("2026-11-22T09:00:00Z", 1), sold(AT, 2, currency="USD")],
            [zone("UTC", "USD")],
        ),
    ),
    Case(
        "the latest settings count, not those that came last",
        DAY,
        {"currency": "CHF", "timezone": "Europe/Zurich"},
        ([zone("Europe/Zurich", "CHF", version=9)], [zone("Asia/Tokyo", "JPY", version=8)]),
    ),
    Case(
        "an average in JPY has 2 decimals",
        DAY,
        {
            **sums(5.0003, 3, 3),
            "averageOrderValue": 1.67,
            "topProducts": [product("p1", 3, 5.0003)],
        },
        (
            [
                zone("UTC", "JPY"),
                *(
                    sold(AT, price, order_id=f"{price}", currency="JPY")
                    for price in ("1.0001", "2", "2.0002")
                ),
            ],
        ),
    ),
    Case(
        "an average in KWD has 3 decimals",
        DAY,
        {
            **sums(5.0003, 3, 3),
            "averageOrderValue": 1.667,
            "topProducts": [product("p1", 3, 5.0003)],
        },
        (
            [
                zone("UTC", "KWD"),
                *(
                    sold(AT, price, order_id=f"{price}", currency="KWD")
                    for price in ("1.0001", "2", "2.0002")
                ),
            ],
        ),
    ),
    Case(
        "an average in CLF has 4 decimals",
        DAY,
        {
            **sums(5.0003, 3, 3),
            "averageOrderValue": 1.6668,
            "topProducts": [product("p1", 3, 5.0003)],
        },
        (
            [
                zone("UTC", "CLF"),
                *(
                    sold(AT, price, order_id=f"{price}", currency="CLF")
                    for price in ("1.0001", "2", "2.0002")
                ),
            ],
        ),
    ),
    Case(
        "another time zone re-assigns history",
        DAY,
        {
            "timezone": "Asia/Tokyo",
            "hourlyBreakdown": [hour("2026-11-22T00:00:00+09:00", 2)],
            **sums(2, 1, 1),
            "topProducts": [product("p1", 1, 2)],
        },
        (
            [sold("2026-11-21T15:00:00Z", 2), sold("2026-11-22T15:00:00Z", 4)],
            [zone("Asia/Tokyo")],
        ),
    ),
    Case(
        "ten products by revenue, ties by id",
        DAY,
        {"topProducts": [product(f"p{number:02}", 1, 20 - number // 2) for number in range(10)]},
        (
            [
                order(
                    SHOP,
                    "a",
                    created=AT,
                    items=[item(f"p{number:02}", 1, 20 - number // 2) for number in range(14)],
                )
            ],
        ),
    ),
    Case(
        "one line of a product may come after another",
        DAY,
        {"topProducts": [product("p1", 3, 4.5)], **sums(4.5, 1, 3)},
        ([order(SHOP, "a", created=AT, items=[item("p1", 1, "0.5"), item("p1", 2, 2)])],),
    ),
    Case(
        "free products sell too",
        DAY,
        {"topProducts": [product("p1", 4, 0)], **sums(0, 1, 4)},
        ([sold(AT, 0, 4)],),
    ),
    Case(
        "the smallest and the greatest amounts are exact",
        DAY,
        {
            "totalRevenue": Decimal("299999999999.9998"),
            "averageOrderValue": 150000000000,
            "topProducts": [product("p1", 4, Decimal("299999999999.9998"))],
        },
        ([sold(AT, "99999999999.9999", 3, order_id="a"), sold(AT, "0.0001", order_id="b")],),
    ),
    Case(
        "the name is that of the latest order, whatever comes last",
        DAY,
        {"topProducts": [product("p1", 2, 2, "New")]},
        (
            [sold(AT, 1, order_id="a", version=5, name="New")],
            [sold(AT, 1, order_id="b", version=4, name="Old")],
        ),
    ),
    Case(
        "the last line of an order that names a product wins",
        DAY,
        {"topProducts": [product("p1", 3, 3, "Second")]},
        (
            [
                order(
                    SHOP,
                    "a",
                    created=AT,
                    items=[
                        item("p1", 1, 1, name="First"),
                        item("p1", 1, 1, name="Second"),
                        item("p1", 1, 1),
                    ],
                )
            ],
        ),
    ),
    Case(
        "a later level names the product",
        DAY,
        {"topProducts": [product("p1", 1, 1, "Of the level")]},
        (
            [sold(AT, 1, version=4, name="Of the order")],
            [level(SHOP, "p1", 3, version=5, name="Of the level")],
        ),
    ),
    Case(
        "a level that no longer names it gives way to the order",
        DAY,
        {"topProducts": [product("p1", 1, 1, "Of the order")]},
        (
            [sold(AT, 1, version=4, name="Of the order")],
            [level(SHOP, "p1", 3, version=5, name="Of the level")],
            [level(SHOP, "p1", 3, version=6)],
        ),
    ),
    Case(
        "an order that no longer names it gives way to a level, of any location",
        DAY,
        {"topProducts": [product("p1", 1, 1, "Of the shelf")]},
        (
            [
                sold(AT, 1, order_id="a", version=4, name="Of the order"),
                level(SHOP, "p1", 3, version=2, name="Of the shelf", locationId="b"),
                level(SHOP, "p1", 3, version=1, name="Older"),
            ],
            [sold(AT, 1, order_id="a", version=5)],
        ),
    ),
    Case(
        "a name that was taken back everywhere is null",
        DAY,
        {"topProducts": [product("p1", 1, 1)]},
        (
            [sold(AT, 1, order_id="a", version=4, name="Gone")],
            [sold(AT, 1, order_id="a", version=5)],
        ),
    ),
    Case(
        "the same event twice is one",
        DAY,
        {**sums(1, 1, 1)},
        (
            [events.order(SHOP, "a", created=AT, items=[item("p1", 1, 1)], event_id="same")],
            [events.order(SHOP, "a", created=AT, items=[item("p1", 1, 1)], event_id="same")],
        ),
    ),
]
