"""The statements of sql/reports, each with its parameters and the shape of what it gives."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import orjson

from api.reports.days import BY_DAY, WINDOWS, Bucket, window_boundaries
from api.reports.stock import StockPage
from api.reports.sums import SlotRows, payment_rows
from api.reports.windows import WindowRows, grains
from clickhouse.client import ClickHouseClient, Row
from clickhouse.errors import EngineError, EngineUnavailable
from clickhouse.native import INT128
from clickhouse.sql import fill, uncommented

SETTINGS: Mapping[str, str | int] = {
    "max_threads": 1,
    "max_execution_time": 5,
    "max_block_size": 8192,
    # the sort key leaves some granules; planning to read them in two steps costs more
    "optimize_move_to_prewhere": 0,
    "output_format_parallel_formatting": 0,
    # before the pipeline's; 0 would take a thread as the pipeline left it
    "os_threads_nice_value_query": 1,
}
"""A report is some small statements at once: threads within one would cost more than they save."""
PRODUCT_SETTINGS: Mapping[str, str | int] = {**SETTINGS, "max_result_bytes": 16 * 1024 * 1024}
"""Of what is said of the products of a page; a page that is more is read with fewer levels."""
PAGE_SETTINGS: Mapping[str, str | int] = {**PRODUCT_SETTINGS, "max_block_size": 512}
"""A page ends after few rows: blocks of 8,192 would be read for a hundred."""
ROWS_AT_ONCE, BYTES_AT_ONCE = 30_000, 4 * 1024 * 1024
"""Of a shop's products: their names, what they sold, their units on order. A product has a row in each part of the
table that is not merged yet."""
TOO_MUCH = frozenset({158, 396})
"""The engine's errors where a statement would read or give more than it may; the first comes before it reads."""
RANGE = "grain IN {grains#:Array(String)} AND sums.start >= {start#:UInt32} AND sums.start < {end#:UInt32}"
"""The condition of a range, `#` in the place of its number."""
WINDOW_DTYPES = ("i1", "<u4", "S3", None, "<i8", INT128, INT128, "<u4")
PAYMENT_DTYPES = ("<u4", "S3", "<i8", INT128, "<u4")
URL_BYTES = 60_000
"""Of products in one statement: they travel in its URL."""


class Statements:
    """Rows from one engine. Every method raises `EngineUnavailable` and `EngineError`."""

    def __init__(self, engine: ClickHouseClient) -> None:
        self._engine = engine

    async def profile(self, shop: str) -> list[Row]:
        """At most two rows as `read_profile` takes them: the settings of the shop (`said`), and its earliest order."""
        return await self._rows("profile", {"shop": shop})

    async def windows(self, shop: str, ranges: Sequence[Bucket]) -> WindowRows | None:
        """Windows of orders in some ranges, products in one at most; None where these are too much."""
        params: dict[str, object] = {"shop": shop}
        conditions = []
        for number, one in enumerate(ranges):
            params[f"grains{number}"] = list(grains(one.window))
            params[f"start{number}"], params[f"end{number}"] = one.start, one.end
            conditions.append(RANGE.replace("#", str(number)))
        by_day = any(one.window in BY_DAY for one in ranges)
        sql = uncommented(f"reports/order_windows{'_by_day' if by_day else ''}.sql")
        settings = dict(SETTINGS)
        bounded = any(one.window in WINDOWS for one in ranges)
        if bounded:
            settings["max_rows_to_read"] = ROWS_AT_ONCE * len(ranges)
            settings["max_result_bytes"] = BYTES_AT_ONCE * len(ranges)
        try:
            columns: Any = await self._engine.columns(
                fill(sql, ranges=" OR ".join(conditions)), WINDOW_DTYPES, params, settings
            )
        except EngineError as error:
            if bounded and error.code in TOO_MUCH:
                return None
            raise
        return WindowRows(*columns)

    async def payments_15m(self, shop: str, start: int, end: int) -> SlotRows:
        """Payments in 15-minute buckets, those that failed under the currency in small letters; Unix seconds."""
        params = {"shop": shop, "start": start, "end": end}
        sql = uncommented("reports/payments_15m.sql")
        columns: Any = await self._engine.columns(sql, PAYMENT_DTYPES, params, SETTINGS)
        return payment_rows(*columns)

    async def sessions(self, shop: str, boundaries: Sequence[int]) -> list[Row]:
        """Rows of `begin`, `sessions` for the days between these boundaries (Unix seconds, rising); an empty day is
        missing."""
        params = {"shop": shop, "marks": boundaries, "start": boundaries[0], "end": boundaries[-1]}
        return await self._rows("sessions", params)

    async def top(self, shop: str, currency: str, start: datetime, end: datetime) -> list[Row]:
        """Rows of `product_id`, `quantity`, `revenue`: at most ten, by revenue, then by id."""
        params = {"shop": shop, "currency": currency, "boundaries": _boundaries(start, end)}
        return await self._rows("top_products", params)

    async def catalog(self, shop: str) -> list[list[Any]] | None:
        """Columns as `read_catalog` takes them, of all products of the shop; None where they are too many."""
        return await self._columns("all_names", {"shop": shop})

    async def all_on_order(self, shop: str) -> dict[str, Decimal] | None:
        """Units on order of every product that has any; None where they are too many."""
        columns = await self._columns("all_on_order", {"shop": shop})
        if columns is None:
            return None
        return {product: Decimal(units) for product, units in zip(*columns, strict=True)}

    async def names(self, shop: str, products: Sequence[str]) -> list[Row]:
        """Rows of `product_id`, `name`, `gone`: the latest name of each that ever had one."""
        return await self._of_products("product_names", shop, products)

    async def names_again(self, shop: str, products: Sequence[str]) -> list[Row]:
        """Rows of `product_id`, `name`, read from orders and levels: slow."""
        return await self._of_products("product_names_again", shop, products)

    async def on_order(self, shop: str, products: Sequence[str]) -> list[Row]:
        """Rows of `product_id`, `units` on order, a decimal as text; one without any may be missing."""
        return await self._of_products("on_order", shop, products)

    async def product_units(
        self, shop: str, products: Sequence[str], start: datetime, end: datetime
    ) -> list[Row]:
        """Rows of `product_id`, `units` sold in any currency; a product that sold none may be missing."""
        return await self._of_products(
            "product_units", shop, products, boundaries=_boundaries(start, end)
        )

    async def levels(self, shop: str, page: StockPage, threshold: int) -> list[Row]:
        """Rows of `levels.sql` after a position, by product and location: a page and one more."""
        params = {
            "shop": shop,
            "product": page.after.product,
            "location": page.after.location,
            "threshold": threshold,
            "limit": page.limit + 1,
        }
        page_of = "levels"
        if page.low is not None:
            page_of, params["low"] = "levels_by_low", page.low
        return await self._engine.rows(uncommented(f"reports/{page_of}.sql"), params, PAGE_SETTINGS)

    async def _columns(self, name: str, params: Mapping[str, object]) -> list[list[Any]] | None:
        """None where it would read more rows than `ROWS_AT_ONCE`, or give more bytes."""
        settings: dict[str, str | int] = {
            **SETTINGS,
            "max_rows_to_read": ROWS_AT_ONCE,
            "max_result_bytes": BYTES_AT_ONCE,
            "output_format_json_quote_64bit_integers": 0,  # columns are made of them
            "output_format_json_quote_decimals": 1,
            "output_format_json_named_tuples_as_objects": 0,
        }
        try:
            content = await self._engine.content(
                uncommented(f"reports/{name}.sql"), "JSONCompactColumns", params, settings
            )
        except EngineError as error:
            if error.code in TOO_MUCH:
                return None
            raise
        try:
            found: list[list[Any]] = orjson.loads(content)
        except ValueError:
            raise EngineUnavailable(f"the engine's answer is torn, {len(content)} bytes") from None
        return found

    async def _of_products(
        self, name: str, shop: str, products: Sequence[str], **more: object
    ) -> list[Row]:
        found = await asyncio.gather(
            *(
                self._rows(name, {"shop": shop, "products": some, **more}, PRODUCT_SETTINGS)
                for some in _portions(products)
            )
        )
        return [row for rows in found for row in rows]

    async def _rows(
        self, name: str, params: Mapping[str, object], settings: Mapping[str, str | int] = SETTINGS
    ) -> list[Row]:
        return await self._engine.rows(uncommented(f"reports/{name}.sql"), params, settings)


def _portions(products: Sequence[str]) -> list[list[str]]:
    """Cut so that each fits into a URL, where a character may be twelve bytes."""
    found: list[list[str]] = []
    room = 0
    for product in products:
        # at most each character is escaped, which takes as much again
        size = 2 * len(quote(product, safe="")) + len("%27%27%2C")
        if size > room:
            found.append([])
            room = URL_BYTES
        found[-1].append(product)
        room -= size
    return found


def _boundaries(start: datetime, end: datetime) -> list[int]:
    return [int(instant.timestamp()) for instant in window_boundaries(start, end)]
