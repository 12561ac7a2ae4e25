from decimal import Decimal

import orjson
import pytest

from api.reports.money import add, average, number


@pytest.mark.parametrize(
    ("amount", "count", "expected"),
    [
        ("10", 4, "2.5"),
        ("0.05", 2, "0.02"),
        ("0.15", 2, "0.08"),
        ("-0.05", 2, "-0.02"),
        ("1", 3, "0.33"),
        ("2", 3, "0.67"),
        ("0", 5, "0"),
        ("9999999999999999999999999999999999.9999", 1, "10000000000000000000000000000000000"),
        ("0.0250000000000000000000000000000001", 1, "0.03"),
    ],
)
def test_an_average_is_rounded_half_even_to_two_decimals(
    amount: str, count: int, expected: str
) -> None:
    assert orjson.dumps(number(average(Decimal(amount), count))).decode() == expected


def test_there_is_no_average_of_nothing() -> None:
    assert average(Decimal(0), 0) is None
    assert number(None) is None


def test_a_sum_of_38_digits_keeps_all_of_them() -> None:
    most = Decimal("9999999999999999999999999999999999.9999")
    assert orjson.dumps(number(add(most, most))) == b"19999999999999999999999999999999999.9998"
