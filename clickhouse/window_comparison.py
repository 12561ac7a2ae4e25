"""Compares what is stored in a window with what the versions that now stand say."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from clickhouse.client import ClickHouseClient
from clickhouse.differences import Difference
from clickhouse.sql import fill, load
from clickhouse.windows import DECIMAL, WINDOWS, Window

Period = tuple[datetime, datetime]
EVER: Period = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 1, 1, tzinfo=UTC))
LISTED = 10_000
TIMEOUT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Scope:
    """What is compared: one shop or all (''), from an instant to another; both are the first of a UTC month."""

    shop: str = ""
    period: Period = EVER


@dataclass(frozen=True, slots=True)
class Compared:
    """`rows` were compared; `differences` lists the first of them by their keys."""

    rows: int
    differences: frozenset[Difference]


async def compare(
    engine: ClickHouseClient, table: str, scope: Scope, limit: int = LISTED
) -> Compared:
    """Compares a window, or a table of texts, with what it must be.

    What is being written shows as a difference for a moment.

    Raises:
        EngineUnavailable, EngineError: as the engine.
    """
    window = WINDOWS.get(table)
    params: dict[str, Any] = {"shop": scope.shop}
    if window and window.time:
        since, until = scope.period
        params |= {"since": int(since.timestamp()), "until": int(until.timestamp())}
    select = comparison(window) if window else load(f"verify/{table}.sql")
    text = fill(load("verify/compare.sql"), limit=str(limit), select=select)
    settings = {"max_threads": 1, "do_not_merge_across_partitions_select_final": 1}
    (row,) = await engine.rows(text, params, settings, timeout=TIMEOUT_SECONDS)
    found = (Difference(table, *map(tuple, difference)) for difference in row["differences"])
    return Compared(row["compared"], frozenset(found))


def comparison(window: Window) -> str:
    """The statement that puts each row of a window beside what it must be.

    Its parameters are `shop`, and `since` and `until` where the window has a time.
    """
    zeros = {
        name: "toDecimal128(0, 4)" if name in DECIMAL else "toInt64(0)" for name in window.sums
    }
    period = ""
    if window.time:
        kind = "toDateTime({name}, 'UTC')"
        since, until = "toDateTime({since:UInt32}, 'UTC')", "toDateTime({until:UInt32}, 'UTC')"
        column = kind.format(name=window.time)
        period = f"\n            AND {column} >= {since} AND {column} < {until}"
    return fill(
        load("verify/window.sql"),
        key_texts=", ".join(f"toString({name})" for name in window.keys),
        stored_sums=", ".join(f"toString(sum(stored_{name}))" for name in window.sums),
        expected_sums=", ".join(f"toString(sum(expected_{name}))" for name in window.sums),
        keys=", ".join(window.keys),
        stored=", ".join(f"{name} AS stored_{name}" for name in window.sums),
        expected=", ".join(f"{name} AS expected_{name}" for name in window.sums),
        no_expected=", ".join(f"{zeros[name]} AS expected_{name}" for name in window.sums),
        no_stored=", ".join(f"{zeros[name]} AS stored_{name}" for name in window.sums),
        window=window.rows(),
        period=period,
        select=load(f"expected/{window.name}.sql"),
    )
