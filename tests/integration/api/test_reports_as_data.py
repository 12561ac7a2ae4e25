"""Each case of `report_cases`: what the answer says, literally, and the whole of it as reckoned independently."""

import asyncio
import copy
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import zip_longest
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from report_cases import CASES
from report_cases.case import BREAKDOWNS, Case
from report_world import World

from api.reports.endpoints import REPORTS, STOCK
from clickhouse.client import ClickHouseClient
from oracle.compare import of_events
from oracle.difference import tree_differences
from oracle.report import Reports
from provider import documented
from support.events import item, level, order, payment

SUMS = ("totalRevenue", "totalOrders", "totalItems")
NAMES = [case.name for case in CASES]


def shop_of(case: Case) -> str:
    return f"case-{NAMES.index(case.name)}"


@pytest.fixture(scope="module")
async def world(engine: ClickHouseClient) -> World:
    """All waves of all cases, each case in a shop of its own."""
    made = World(engine)
    for wave in zip_longest(*(case.waves for case in CASES), fillvalue=[]):
        events = zip(CASES, wave, strict=True)
        await made.put(_of_shop(case, event) for case, found in events for event in found)
    return made


def _of_shop(case: Case, event: dict[str, Any]) -> dict[str, Any]:
    return {**copy.deepcopy(event), "shopid": shop_of(case)}


def test_no_two_cases_have_the_same_name() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 60


def test_there_are_cases_of_every_report() -> None:
    endpoints = {endpoint.path for endpoint in (*REPORTS, STOCK)}
    assert {urlsplit(case.path).path for case in CASES} == endpoints


@pytest.mark.parametrize("case", CASES, ids=NAMES)
async def test_an_answer_is_what_the_events_say(world: World, case: Case) -> None:
    world.now = datetime.fromisoformat(case.now)
    body = await world.get(shop_of(case), case.path)
    documented.check(urlsplit(case.path).path, {**body, "asOf": None})
    expected = _exact(case.says)
    assert {name: _shown(body, name) for name in case.says} == expected
    if not _is_page(case):
        assert tree_differences(case.path, _reckoned(world, case), of_events(body)) == []


async def test_a_closed_month_says_when_its_numbers_changed(world: World) -> None:
    shop, sold = "revised", "2026-01-20T10:00:00Z"
    line = item("p1", 7, "14.29", total="100.00")

    async def put(version: int, **more: Any) -> None:
        given = {"created": sold, "items": [line], "version": version, **more}
        await world.put([order(shop, "a", **given)])

    async def month(number: int) -> dict[str, Any]:
        body = await world.get(shop, f"/reports/monthly-sales?year=2026&month={number}")
        return {name: body[name] for name in ("revisedAt", "revised")}

    never = dict.fromkeys(("orders", "refunds", "payments"))
    assert await month(1) == {"revisedAt": None, "revised": never}
    await put(0)
    first = (await month(1))["revisedAt"]
    assert await month(1) == {"revisedAt": first, "revised": {**never, "orders": first}}
    while f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}" <= first:
        await asyncio.sleep(0.05)
    await put(1, status="shipped")
    assert (await month(1))["revisedAt"] == first
    await put(2, refunds=[{"id": "r-1", "amount": "28.57", "at": "2026-02-03T09:00:00Z"}])
    second = (await month(1))["revisedAt"]
    assert second > first
    assert (await month(1))["revised"] == {**never, "orders": second}
    assert await month(2) == {"revisedAt": second, "revised": {**never, "refunds": second}}
    assert await month(3) == {"revisedAt": None, "revised": never}
    await world.put([payment(shop, "y", at="2026-02-20T10:00:00Z")])
    assert (await month(2))["revised"]["payments"] >= second
    current = await world.get(shop, "/reports/daily-sales?date=2026-11-22")
    assert current["revisedAt"] is None


async def test_a_closed_month_says_that_its_gross_revenue_or_its_taxes_changed(
    world: World,
) -> None:
    shop = "revised-beside-revenue"
    january = "/reports/metrics?startDate=2026-01-01&endDate=2026-01-31"

    async def put(number: str, version: int, **more: Any) -> None:
        given = {"created": "2026-01-20T10:00:00Z", "items": [item("p1", 1, "100.00")], **more}
        await world.put([order(shop, number, version=version, **given)])

    async def told(path: str = january) -> dict[str, Any]:
        return await world.get(shop, path)

    await put("a", 0, status="cancelled")
    assert ((await told())["grossRevenue"], (await told())["revisedAt"]) == (0, None)
    back = {"id": "r-1", "amount": "100.00", "at": "2026-02-03T09:00:00Z"}
    await put("a", 1, status="refunded", refunds=[back])
    first = await told()
    assert (first["grossRevenue"], first["totalRevenue"], first["refunds"]["count"]) == (100, 0, 0)
    assert first["revised"]["orders"] and not first["revised"]["refunds"]
    await put("b", 0, taxTotal="16.00")
    before = await told()
    while f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}" <= before["revisedAt"]:
        await asyncio.sleep(0.05)
    await put("b", 1, taxTotal="19.00")
    after = await told()
    assert (before["totalTax"], after["totalTax"]) == (16, 19)
    assert after["revisedAt"] == after["revised"]["orders"] > before["revisedAt"]
    # which has no taxes
    assert (await told("/reports/monthly-sales?year=2026&month=1"))["revisedAt"] < after[
        "revisedAt"
    ]


@pytest.mark.parametrize("text", ["sku", "name"])
async def test_a_page_of_levels_that_are_too_big_together_has_fewer_of_them(
    world: World, text: str
) -> None:
    """A record has at most 512 KiB, most of which may be one text."""
    shop = f"big-levels-{text}"
    await world.put([level(shop, "p-000", 1, **{text: "x" * 450_000})])
    for table in ("levels", "product_names"):
        await world.engine.execute(
            f"INSERT INTO {table} SELECT l.* REPLACE (concat('p-', leftPad(toString(n.number), 3, '0')) AS product_id)"
            f" FROM {table} AS l CROSS JOIN numbers(1, 299) AS n WHERE l.shop_id = {{shop:String}}",
            {"shop": shop},
        )
    first = await world.get(shop, "/stock?limit=1000")
    assert [one["productId"] for one in first["levels"]] == [f"p-{n:03}" for n in range(9)]
    last = await world.get(shop, f"/stock?limit=1000&cursor={first['next']}")
    assert last["levels"][0]["productId"] == "p-009"


def _exact(value: Any) -> Any:
    """A fraction is written as people write it, and meant exactly."""
    if isinstance(value, dict):
        return {name: _exact(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_exact(one) for one in value]
    return Decimal(str(value)) if isinstance(value, float) else value


def _shown(body: dict[str, Any], name: str) -> Any:
    if name == "entries":
        return len(next(body[one] for one in BREAKDOWNS if one in body))
    return _busy(body[name]) if name in BREAKDOWNS else body[name]


def _busy(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if any(entry[one] for one in SUMS)]


def _is_page(case: Case) -> bool:
    return "cursor=" in case.path or (case.says.get("next") is not None)


def _reckoned(world: World, case: Case) -> dict[str, Any]:
    parts = urlsplit(case.path)
    asked, shop, now = dict(parse_qsl(parts.query)), shop_of(case), world.now
    reports = Reports(world.book)
    match parts.path.rpartition("/")[2]:
        case "daily-sales":
            return reports.daily_sales(shop, _date(asked, "date"), now)
        case "weekly-sales":
            return reports.weekly_sales(shop, _date(asked, "startDate"), now)
        case "monthly-sales":
            year, month = (
                int(asked[name]) if name in asked else None for name in ("year", "month")
            )
            return reports.monthly_sales(shop, year, month, now)
        case "metrics":
            return reports.metrics(shop, now, _period(asked))
        case "trends":
            return reports.trends(shop, now, _period(asked))
    low = {"true": True, "false": False}.get(asked.get("low", ""))
    return reports.stock(shop, now, low)


def _date(asked: dict[str, str], name: str) -> date | None:
    return date.fromisoformat(asked[name]) if name in asked else None


def _period(asked: dict[str, str]) -> int | tuple[date, date]:
    first, last = _date(asked, "startDate"), _date(asked, "endDate")
    return (first, last) if first and last else int(asked.get("days", 30))
