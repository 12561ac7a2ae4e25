"""Values as the HTTP interface reads them from `param_…`."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from shopstream.clickhouse.literals import parameter


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\\N"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (2**64 - 1, "18446744073709551615"),
        (-5, "-5"),
        (Decimal("0.10"), "0.10"),
        (Decimal("-12.3400"), "-12.3400"),
        ("", ""),
        ("s-17", "s-17"),
        ("é😀", "é😀"),
        ("it's", "it\\'s"),
        ("\\N", "\\\\N"),
        ("a\nb\tc\rd\0e", "a\\nb\\tc\\rd\\0e"),
        (date(2026, 11, 22), "2026-11-22"),
        (datetime(2026, 11, 22, 10, 15, 30, 5, UTC), "2026-11-22 10:15:30.000005"),
        (
            datetime(2026, 11, 22, 0, 15, tzinfo=timezone(timedelta(hours=1))),
            "2026-11-21 23:15:00.000000",
        ),
        ([], "[]"),
        ((), "[]"),
        ([1, 2], "[1,2]"),
        ((True, False), "[true,false]"),
        ([Decimal("1.5")], "[1.5]"),
        (["a", "it's", "\\", "\n", "]", ","], "['a','it\\'s','\\\\','\\n',']',',']"),
        ([date(2026, 11, 22)], "['2026-11-22']"),
        ([datetime(2026, 11, 22, tzinfo=UTC)], "['2026-11-22 00:00:00.000000']"),
    ],
)
def test_a_value_is_written_as_clickhouse_reads_it(value, text):
    assert parameter(value) == text


@pytest.mark.parametrize(
    "value", [1.5, object(), {"a": 1}, {1}, timedelta(1), [1.5], [[1]], [None]]
)
def test_a_value_without_a_text_form_is_a_type_error(value):
    with pytest.raises(TypeError):
        parameter(value)
