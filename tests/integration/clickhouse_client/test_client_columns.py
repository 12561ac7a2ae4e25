"""Columns of the engine's own Native format."""

import pytest

from clickhouse.client import ClickHouseClient
from clickhouse.errors import EngineUnavailable
from clickhouse.native import INT128, read_columns

DTYPES = ("i1", "<u4", "S3", None, "<i8", INT128)
COLUMNS = """
SELECT
    CAST(1 + number % 2, 'Enum8(\\'a\\' = 1, \\'b\\' = 2)'),
    toDateTime(number, 'UTC'),
    CAST(toLowCardinality('EUR'), 'FixedString(3)'),
    repeat('ä', number % 200),
    -toInt64(number),
    CAST(if(number % 2, '-123456789012345678901234567890.1234', '0.0001'), 'Decimal(38, 4)')
FROM numbers({count:UInt64})
"""


@pytest.mark.parametrize("count", [0, 1, 10_000])
async def test_columns_of_any_number_of_blocks(engine: ClickHouseClient, count: int) -> None:
    grain, start, code, text, number, amount = await engine.columns(
        COLUMNS, DTYPES, {"count": count}, {"max_block_size": 1000}
    )
    assert list(grain) == [1 + one % 2 for one in range(count)]
    assert list(start) == list(range(count))
    assert list(code) == [b"EUR"] * count
    assert text == ["ä" * (one % 200) for one in range(count)]
    assert list(number) == [-one for one in range(count)]
    whole = [high * 2**64 + low for low, high in amount.tolist()]  # type: ignore[union-attr]
    units = 1, -1234567890123456789012345678901234
    assert whole == [units[one % 2] for one in range(count)]


async def test_columns_of_other_types_are_no_answer(engine: ClickHouseClient) -> None:
    with pytest.raises(EngineUnavailable, match="torn"):
        await engine.columns("SELECT toLowCardinality('EUR')", ("S3",))
    content = await engine.content("SELECT 1", "Native")
    with pytest.raises(ValueError):
        read_columns(content, ("<u8",))
