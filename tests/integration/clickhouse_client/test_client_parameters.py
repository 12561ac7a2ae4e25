"""What is bound to a placeholder is what the engine reads."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from clickhouse.client import ClickHouseClient

TEXTS = [
    "",
    "s-17",
    "it's",
    '"double"',
    "`back`",
    "\\",
    "\\N",
    "\\\\'",
    "a\tb",
    "a\nb",
    "a\r\nb",
    "\r",
    "\0",
    "a\0b",
    "\b\f\v\x01\x7f",
    "é ä 中 😀 👩‍👩‍👧",
    "\u2028\ufeff",
    "%27 + %2B & = ; #",
    "{a:String}",
    "%s %(a)s",
    " space ",
    "], [",
    "NULL",
    "'); DROP TABLE x; --",
    "x" * 10_000,
]
INSTANTS = {
    datetime(2026, 11, 22, 10, 15, 30, 5, UTC): "2026-11-22 10:15:30.000005",
    datetime(2026, 11, 22, tzinfo=UTC): "2026-11-22 00:00:00.000000",
    datetime(
        2026, 11, 22, 0, 15, tzinfo=timezone(timedelta(hours=1))
    ): "2026-11-21 23:15:00.000000",
    datetime(1970, 1, 1, 0, 0, 0, 999_999, UTC): "1970-01-01 00:00:00.999999",
    datetime(2099, 12, 31, 23, 59, 59, 999_999, UTC): "2099-12-31 23:59:59.999999",
}
DECIMALS = ["0.0000", "0.1000", "-12.3400", "99999999999999.9999", "1234567890123456.7890"]
WHOLE = [0, 1, -5, 2**53 + 1, 2**63 - 1, -(2**63)]


async def one(engine: ClickHouseClient, value: Any, kind: str, shown: str = "{value}") -> Any:
    """What the engine gives back for a parameter of a type."""
    expression = shown.replace("{value}", f"{{value:{kind}}}")
    rows = await engine.rows(f"SELECT {expression} AS found", {"value": value})
    (row,) = rows
    return row["found"]


async def both(engine: ClickHouseClient, values: Sequence[Any], kind: str) -> list[Any]:
    """Each alone; the same in a list must give the same."""
    alone = [await one(engine, value, kind) for value in values]
    assert await one(engine, list(values), f"Array({kind})") == alone
    assert await one(engine, tuple(values[:2]), f"Array({kind})") == alone[:2]
    return alone


async def test_text_of_every_kind(engine: ClickHouseClient) -> None:
    assert await both(engine, TEXTS, "String") == TEXTS


async def test_the_bytes_of_text(engine: ClickHouseClient) -> None:
    for text in TEXTS:
        assert await one(engine, text, "String", "hex({value})") == text.encode().hex().upper()


async def test_text_is_compared_as_it_is(engine: ClickHouseClient) -> None:
    """In a condition, where a statement of ours has it."""
    statement = "SELECT count() AS n FROM (SELECT arrayJoin({all:Array(String)}) AS t) WHERE t = {one:String}"
    for text in TEXTS:
        assert await engine.rows(statement, {"all": TEXTS, "one": text}) == [{"n": 1}]


async def test_days(engine: ClickHouseClient) -> None:
    days = [date(1970, 1, 1), date(2026, 11, 22), date(2149, 6, 6)]
    assert await both(engine, days, "Date") == [day.isoformat() for day in days]
    old = [date(1900, 1, 1), date(2299, 12, 31)]
    assert await both(engine, old, "Date32") == [day.isoformat() for day in old]


async def test_instants_to_the_microsecond_in_utc(engine: ClickHouseClient) -> None:
    found = await both(engine, list(INSTANTS), "DateTime64(6, 'UTC')")
    assert found == list(INSTANTS.values())
    for instant in INSTANTS:
        unix = await one(engine, instant, "DateTime64(6, 'UTC')", "toUnixTimestamp64Micro({value})")
        assert unix == (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


async def test_decimals(engine: ClickHouseClient) -> None:
    values = [Decimal(text) for text in DECIMALS]
    found = await both(engine, values, "Decimal(38, 4)")
    assert [Decimal(text) for text in found] == values
    assert all(isinstance(text, str) for text in found)
    small = Decimal("0.000000000000000001")
    assert Decimal(await one(engine, small, "Decimal(38, 18)")) == small


async def test_whole_numbers(engine: ClickHouseClient) -> None:
    assert await both(engine, WHOLE, "Int64") == WHOLE
    assert await both(engine, [2**64 - 1, 0], "UInt64") == [2**64 - 1, 0]
    big = [2**127 - 1, -(2**127)]
    assert [await one(engine, n, "Int128", "toString({value})") for n in big] == list(map(str, big))


async def test_bools(engine: ClickHouseClient) -> None:
    assert await both(engine, [True, False], "Bool") == [True, False]


async def test_none(engine: ClickHouseClient) -> None:
    for kind in ("String", "Int64", "Bool", "Date", "DateTime64(6, 'UTC')", "Decimal(18, 4)"):
        assert await one(engine, None, f"Nullable({kind})") is None
    assert await one(engine, "\\N", "Nullable(String)") == "\\N"
    assert await one(engine, ["a", None, "\\N"], "Array(Nullable(String))") == ["a", None, "\\N"]


@pytest.mark.parametrize(
    "kind", ["String", "Int64", "Date", "DateTime64(6, 'UTC')", "Decimal(18, 4)"]
)
async def test_no_values_at_all(engine: ClickHouseClient, kind: str) -> None:
    assert await one(engine, [], f"Array({kind})") == []
    assert await one(engine, (), f"Array({kind})") == []


async def test_several_parameters_and_one_twice(engine: ClickHouseClient) -> None:
    rows = await engine.rows(
        "SELECT {a:String} AS a, {b:UInt8} AS b, {a:String} AS c", {"a": "it's", "b": 7}
    )
    assert rows == [{"a": "it's", "b": 7, "c": "it's"}]


async def test_a_statement_without_parameters_keeps_its_signs(engine: ClickHouseClient) -> None:
    rows = await engine.rows("SELECT '%s {a} 100%' AS a, 7 % 4 AS b")
    assert rows == [{"a": "%s {a} 100%", "b": 3}]
