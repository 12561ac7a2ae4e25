"""What the audit writes: rows and statements that repair aggregates, and the rows of table `repairs`."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from clickhouse.client import ClickHouseClient, External
from clickhouse.differences import Difference
from clickhouse.sql import load
from clickhouse.windows import WINDOWS, Window
from pipeline.store import Slots

AT_ONCE = 50
"""Keys in one statement where they travel in its URL, which has 1.5 KB for the longest."""
_TYPES = {
    pa.string(): "String",
    pa.date32(): "Date",
    pa.uint8(): "UInt8",
    pa.int64(): "Int64",
    pa.timestamp("s", "UTC"): "DateTime('UTC')",
    pa.decimal128(38, 4): "Decimal(38, 4)",
}


def fixes(window: Window, differences: Iterable[Difference]) -> pa.Table:
    """A row for each difference: the columns of its key, then what must be added to each sum."""
    rows = []
    for one in differences:
        key = {n: _value(window, n, v) for n, v in zip(window.keys, one.key, strict=True)}
        missing = {
            n: v if window.arrow(n) != pa.int64() else int(v)
            for n, v in zip(window.sums, one.missing, strict=True)
        }
        rows.append({**key, **missing})
    names = (*window.keys, *window.sums)
    return pa.Table.from_pylist(rows, pa.schema({name: window.arrow(name) for name in names}))


def structure(window: Window) -> str:
    """The columns of `fixes` in the types of ClickHouse."""
    names = (*window.keys, *window.sums)
    return ", ".join(f"{name} {_TYPES[window.arrow(name)]}" for name in names)


def _value(window: Window, name: str, text: str) -> Any:
    kind = window.arrow(name)
    if kind == pa.string():
        return text
    if kind == pa.date32():
        return date.fromisoformat(text)
    return int(text) if kind == pa.uint8() else datetime.fromisoformat(text).replace(tzinfo=UTC)


def log(differences: Iterable[Difference]) -> pa.Table:
    """Rows of table `repairs`, one a difference."""
    rows = [
        {"window": one.table, "key": one.key, "stored": one.stored, "truth": one.truth}
        for one in differences
    ]
    texts = pa.list_(pa.string())
    schema = pa.schema({"window": pa.string(), "key": texts, "stored": texts, "truth": texts})
    return pa.Table.from_pylist(rows, schema)


def slots(differences: Iterable[Difference]) -> Slots:
    """15-minute buckets (Unix seconds) of the differences, by shop: of a day or a month its first."""
    found: Slots = {}
    for one in differences:
        times = found.setdefault(one.key[0], [])
        window = WINDOWS.get(one.table)
        if window is not None and window.time is not None:
            times.append(int(seconds(one.key[window.keys.index(window.time)])))
    return found


def seconds(text: str) -> float:
    """Unix time of a date or time (UTC) as the engine writes it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


async def rewrite_texts(
    engine: ClickHouseClient, table: str, differences: tuple[Difference, ...]
) -> None:
    """Writes the keys of a table of texts again from the orders, so they are right whoever writes meanwhile."""
    if table == "product_names":
        keys = {
            "shop_id": [d.key[0] for d in differences],
            "product_id": [d.key[1] for d in differences],
        }
        wanted = {"wanted": External("shop_id String, product_id String", pa.table(keys))}
        for part in ("gone", "latest"):
            await engine.execute(load(f"audit/product_names_{part}.sql"), external=wanted)
        return
    for start in range(0, len(differences), AT_ONCE):
        await _rewrite(engine, table, [one.key for one in differences[start : start + AT_ONCE]])


async def _rewrite(engine: ClickHouseClient, table: str, keys: list[tuple[str, ...]]) -> None:
    """Deletes the rows of these keys and makes them from the orders, which already have what comes next.

    What is written again here has no deduplication token.
    """
    params: dict[str, Any] = {"shops": [key[0] for key in keys]}
    if table == "order_places":
        params["orders"] = [key[1] for key in keys]
    await engine.execute(load(f"audit/delete_{table}.sql"), params, {"lightweight_deletes_sync": 2})
    await engine.execute(load(f"audit/{table}.sql"), params, {"insert_deduplicate": 0})
