"""The levels of a shop as `GET /stock` lists them, and what an alert says of one at a moment."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from oracle.days import days, local_date
from oracle.exact import half_even
from oracle.levels import threshold_of
from oracle.shop import Body, Shop

LOOKED_BACK = 14


def stock(
    shop: Shop,
    on_order: Mapping[tuple[str, str], Decimal],
    now: datetime,
    low: bool | None = None,
) -> list[Body]:
    """By product, then location, none first. `low`: only those that are, or only those that are not."""
    rows = []
    for level in sorted(shop.levels, key=lambda lv: (lv.product, lv.location or "")):
        threshold = threshold_of(level.threshold, shop.threshold)
        row = {
            "productId": level.product,
            "locationId": level.location,
            "name": shop.called.get(level.product),
            "sku": level.sku,
            "quantity": level.quantity,
            "threshold": threshold,
            "onOrder": on_order.get((shop.name, level.product), 0),
            **cover(shop, level.product, level.quantity, now),
            "low": level.quantity <= threshold,
        }
        if low is None or row["low"] == low:
            rows.append(row)
    return rows


def cover(shop: Shop, product: str, quantity: Decimal, now: datetime) -> dict[str, Any]:
    """How much of the product is sold in a day, and how long that can go on."""
    units = _sold(shop, product, now)
    return {
        "dailySales": half_even(units, LOOKED_BACK, 2),
        "daysOfCover": _days_of_cover(units, quantity),
    }


def _sold(shop: Shop, product: str, now: datetime) -> Decimal:
    """Units in counted orders of any currency, over the last 14 local days, today included."""
    today = local_date(now, shop.zone)
    span = days(today - timedelta(days=LOOKED_BACK - 1), today)
    lines = (line for version in shop.every(span) for line in version.lines)
    return sum((line.left for line in lines if line.product == product), Decimal(0))


def _days_of_cover(units: Decimal, quantity: Decimal) -> Decimal | None:
    if units <= 0:
        return None
    return half_even(Fraction(max(quantity, Decimal(0))), Fraction(units) / LOOKED_BACK, 1)
