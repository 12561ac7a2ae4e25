"""What lines come to, by weight and with totals of their own; refunds on their own dates."""

from report_cases.case import SHOP, Case, product, sums
from support.events import item, order

DAY = "/reports/daily-sales?date=2026-11-22"
AT = "2026-11-22T10:00:00Z"
JANUARY, FEBRUARY = (f"/reports/monthly-sales?year=2026&month={month}" for month in (1, 2))
SOLD = "2026-01-20T10:00:00Z"
BACK = {"id": "r-1", "amount": "28.57", "at": "2026-02-03T09:00:00Z"}


def paid(count: int, amount: object) -> dict[str, object]:
    return {"count": count, "amount": amount}


def _sale(version: int = 0, **more: object) -> dict[str, object]:
    """Seven units for 100.00."""
    line = item("p1", 7, "14.29", total="100.00")
    given = {"created": SOLD, "items": [line], "order_id": "a", "version": version, **more}
    return order(SHOP, **given)  # type: ignore[arg-type]


CASES = [
    Case(
        "seven units for 100.00",
        DAY,
        {**sums(100, 1, 7), "topProducts": [product("p1", 7, 100)]},
        ([order(SHOP, "a", created=AT, items=[item("p1", 7, "14.29", total="100.00")])],),
    ),
    Case(
        "half a kilogram of cheese",
        DAY,
        {**sums(8.95, 1, 0.5), "topProducts": [product("cheese", 0.5, 8.95)]},
        ([order(SHOP, "a", created=AT, items=[item("cheese", "0.5", "17.90", unit="kg")])],),
    ),
    Case(
        "shipping is in the total and no product",
        DAY,
        {**sums(24.9, 1, 2), "topProducts": [product("p1", 2, 20)]},
        (
            [
                order(
                    SHOP,
                    "a",
                    created=AT,
                    items=[item("p1", 2, 10), item("post", 1, "4.90", kind="shipping")],
                )
            ],
        ),
    ),
    Case(
        "what comes back in an exchange is taken off its product",
        DAY,
        {**sums(5, 1, 0), "topProducts": [product("p2", 1, 15), product("p1", -1, -10)]},
        (
            [
                order(
                    SHOP,
                    "a",
                    created=AT,
                    items=[item("p2", 1, 15), item("p1", "-1", 10, kind="return")],
                )
            ],
        ),
    ),
    Case(
        "a January that was closed before a refund of it in February",
        JANUARY,
        {**sums(71.43, 1, 7), "grossRevenue": 100, "refunds": paid(0, 0)},
        ([_sale()], [_sale(1, refunds=[BACK])]),
    ),
    Case(
        "the February in which something of January was paid back",
        FEBRUARY,
        {**sums(0, 0, 0), "grossRevenue": 0, "refunds": paid(1, 28.57)},
        ([_sale()], [_sale(1, refunds=[BACK])]),
    ),
    Case(
        "a refund without a date has that of its order",
        JANUARY,
        {**sums(60, 1, 7), "grossRevenue": 100, "refunds": paid(1, 11.43)},
        ([_sale(refunds=[BACK], refundedTotal="40")],),
    ),
    Case(
        "an order that is refunded as a whole is in gross, and paid back",
        JANUARY,
        {**sums(0, 0, 0), "grossRevenue": 100, "refunds": paid(1, 71.43)},
        ([_sale(status="refunded", refunds=[BACK])],),
    ),
    Case(
        "a cancelled order is not even in gross",
        FEBRUARY,
        {**sums(0, 0, 0), "grossRevenue": 0, "refunds": paid(0, 0)},
        ([_sale(refunds=[BACK])], [_sale(1, status="cancelled", refunds=[BACK])]),
    ),
    Case(
        "parts of totals",
        "/reports/metrics?startDate=2026-01-01&endDate=2026-01-31",
        {"totalTax": 15.97, "totalShipping": 4.9, "totalDiscount": 1, "totalTip": 0.5},
        (
            [
                _sale(taxTotal="15.97", shippingTotal="4.90", discountTotal="1", tipTotal="0.50"),
                order(SHOP, "b", created=SOLD, status="cancelled", taxTotal="9"),
            ],
        ),
    ),
]
