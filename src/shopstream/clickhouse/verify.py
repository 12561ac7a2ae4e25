"""Compares every number that a report can show with a recomputation from the orders themselves."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shopstream.clickhouse.client import Address, Engine
from shopstream.clickhouse.sql import load
from shopstream.settings import Settings

TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sales_15m": (("shop", "slot", "currency"), ("orders", "items", "revenue")),
    "sales_day": (("shop", "day", "currency"), ("orders", "items", "revenue")),
    "product_day": (("shop", "day", "currency", "product"), ("quantity", "revenue")),
    "product_month": (("shop", "month", "currency", "product"), ("quantity", "revenue")),
    "product_names": (("shop", "product"), ("name",)),
    "first_orders": (("shop",), ("currency",)),
    "order_places": (("shop", "order"), ("created_at",)),
}
"""What is compared: names of the key and of the numbers, in the order of sql/verify."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
LISTED = 10_000
TRIES = 5
PAUSE_SECONDS = 0.5
TIMEOUT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored row that is not what the orders say. Numbers are text, exact."""

    table: str
    key: tuple[str, ...]
    stored: tuple[str, ...]
    truth: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """With the names of the table's columns."""
        keys, numbers = TABLES[self.table]
        return {
            "table": self.table,
            "key": dict(zip(keys, self.key, strict=True)),
            "stored": dict(zip(numbers, self.stored, strict=True)),
            "truth": dict(zip(numbers, self.truth, strict=True)),
        }

    @property
    def gap(self) -> tuple[object, ...]:
        """What is amiss, whatever the numbers are by now: a lasting fault keeps it while orders come."""
        if all(_NUMBER.fullmatch(text) for text in self.stored + self.truth):
            pairs = zip(self.stored, self.truth, strict=True)
            return (self.key, *(Decimal(stored) - Decimal(truth) for stored, truth in pairs))
        return (self.key, self.stored, self.truth)

    def __str__(self) -> str:
        row = self.as_dict()
        key = " ".join(f"{name}={value}" for name, value in row["key"].items())
        changes = ", ".join(
            f"{name} is {value}, should be {row['truth'][name]}"
            for name, value in row["stored"].items()
            if value != row["truth"][name]
        )
        return f"{self.table} {key}: {changes}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`compared` counts rows; `differences` lists the first `LISTED` of each table."""

    compared: int
    differences: tuple[Difference, ...]


async def verify_engine(engine: Engine, shop: str | None = None) -> Verdict:
    """Compares all shops, or one.

    A batch that is being written shows as a difference for a moment: only a gap that stays the same over
    `TRIES` comparisons counts.
    """
    compared, found = 0, set[Difference]()
    for table in TABLES:
        rows, differences = await _compare(engine, table, shop)
        compared += rows
        for _ in range(TRIES - 1):
            if not differences:
                break
            await asyncio.sleep(PAUSE_SECONDS)
            gaps = {one.gap for one in differences}
            again = (await _compare(engine, table, shop))[1]
            differences = {one for one in again if one.gap in gaps}
        found |= differences
    return Verdict(compared, tuple(sorted(found, key=lambda d: (d.table, d.key))))


def verify(settings: Settings, shop: str | None = None) -> Verdict:
    """As `verify_engine`, for a process that has no event loop."""
    address = Address.parse(settings.clickhouse_url.get_secret_value())

    async def run() -> Verdict:
        async with Engine(address, timeout=TIMEOUT_SECONDS) as engine:
            return await verify_engine(engine, shop)

    return asyncio.run(run())


async def _compare(engine: Engine, table: str, shop: str | None) -> tuple[int, set[Difference]]:
    params = {"shop": shop or ""}
    inner = load(f"verify/{table}.sql")
    compared = await engine.rows(f"SELECT count() AS n FROM ({inner})", params)
    rows = await engine.rows(
        f"SELECT key, stored, truth FROM ({inner}) WHERE stored != truth ORDER BY key LIMIT {LISTED}",
        params,
    )
    return compared[0]["n"], set(_differences(table, rows))


def _differences(table: str, rows: Iterable[dict[str, Any]]) -> Iterable[Difference]:
    for row in rows:
        yield Difference(table, tuple(row["key"]), tuple(row["stored"]), tuple(row["truth"]))
