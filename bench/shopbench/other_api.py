"""An API process for comparison: python -m shopbench.other_api forgetful|bare|final.

`forgetful` keeps no answers, so that every question is made anew; what answers are made of, sums, best products,
sessions, zone, currency and names, is kept as ever.
`bare` keeps nothing at all.
`final` is as `forgetful`, and takes sums and best products from the latest versions of the orders, as one writes it
without windows.
"""

import sys
from datetime import datetime
from typing import Any

from api.freshness.source import Freshness
from api.freshness.tracker import FreshnessTracker
from api.main import run
from api.reports.cache import CachedResponse, ResponseCache
from api.reports.products import ProductSales
from api.reports.reader import Reader
from api.reports.statements import SETTINGS, Statements
from api.reports.sums import SalesSums
from clickhouse.sql import uncommented
from shopstream.settings import load

_OF_PERIOD = """
    WHERE counted AND shop_key = reinterpretAsUInt64(substring(SHA256({shop:String}), 1, 8)) AND shop_id = {shop:String}
        AND created_at >= toDateTime64({start:UInt32}, 6, 'UTC') AND created_at < toDateTime64({end:UInt32}, 6, 'UTC')
"""
_SALES = f"""
SELECT
    roundDown(toUnixTimestamp(created_at), {{marks:Array(UInt32)}}) AS begin,
    currency,
    count() AS orders,
    sum(total - refund) AS revenue,
    sum(arraySum(`items.sold`)) AS items,
    sum(total) AS gross,
    0 AS refunds,
    0 AS refunded,
    toUnixTimestamp(max({uncommented("fragments/batch_time.sql")})) AS revised,
    0 AS refunds_revised
FROM orders FINAL
{_OF_PERIOD}
GROUP BY begin, currency
"""
"""The orders of the bench have neither refunds nor other times than `created_at`."""
_TOP = f"""
SELECT product_id, sum(sold) AS quantity, sum(amount) AS revenue
FROM orders FINAL
ARRAY JOIN `items.product_id` AS product_id, `items.sold` AS sold, `items.revenue` AS amount
{_OF_PERIOD} AND currency = {{currency:String}}
GROUP BY product_id
ORDER BY revenue DESC, product_id
LIMIT 10
"""


def _forget() -> None:
    async def anew(
        self: ResponseCache[Any], shop: str, question: Any, make: Any, *, exact: bool = False
    ) -> CachedResponse[Any]:
        return CachedResponse((await make()).value, self._known.freshness(shop).as_of)

    ResponseCache.response = anew  # type: ignore[method-assign]


def _final() -> None:
    windows = SalesSums.sums

    async def sums(self: SalesSums, shop: str, boundaries: list[int]) -> Any:
        reader = self._ask.__self__  # type: ignore[attr-defined]
        if not isinstance(reader, Reader):  # of payments
            return await windows(self, shop, boundaries)
        params = {
            "shop": shop,
            "marks": sorted(set(boundaries)),
            "start": boundaries[0],
            "end": boundaries[-1],
        }
        return await reader._statements._engine.rows(_SALES, params, SETTINGS)

    async def top(
        self: Statements, shop: str, currency: str | None, start: datetime, end: datetime
    ) -> Any:
        period = {"start": int(start.timestamp()), "end": int(end.timestamp())}
        return await self._engine.rows(
            _TOP, {"shop": shop, "currency": currency or "", **period}, SETTINGS
        )

    async def none(*_: object) -> None:
        return None

    SalesSums.sums = sums  # type: ignore[method-assign]
    ProductSales._sold = none  # type: ignore[method-assign]
    Statements.top = top  # type: ignore[method-assign]


def _bare() -> None:
    freshness = FreshnessTracker.freshness

    def nothing(self: FreshnessTracker, shop: str, *, readable: bool) -> Freshness:
        return freshness(self, shop, readable=readable)._replace(version=None)

    FreshnessTracker.freshness = nothing  # type: ignore[method-assign]


def main() -> None:
    _forget()
    if sys.argv[1] == "bare":
        _bare()
    if sys.argv[1] == "final":
        _final()
    sys.exit(run(load()))


if __name__ == "__main__":
    main()
