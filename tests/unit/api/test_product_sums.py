"""Columns of what products sold, beside plain sums."""

from collections import Counter
from decimal import Context, Decimal
from sys import getsizeof
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_rows import window_rows

from api.reports import products as module
from api.reports.days import Bucket
from api.reports.products import (
    LONG_BYTES,
    PRODUCT_BYTES,
    ProductNumbers,
    ProductSums,
    best,
    read_product_sums,
    units,
)
from api.reports.windows import WindowRows

Row = tuple[int, str, str, int, int]
"""Start, currency, product, units and revenue in 1/10000."""


def windows(rows: list[Row]) -> WindowRows:
    return window_rows(("product_day", *row[:3], 0, *row[3:]) for row in rows)


def days(begins: list[int]) -> list[Bucket]:
    return [Bucket("product_day", begin, begin + 86400) for begin in begins]


def exact(revenue: int) -> Decimal:
    return Decimal(revenue).scaleb(-4, Context(prec=60))


def plain(rows: list[Row], currency: str) -> list[dict[str, Any]]:
    quantity: Counter[str] = Counter()
    revenue: Counter[str] = Counter()
    for _, code, product, number, money in rows:
        if code == currency:
            quantity[product] += number
            revenue[product] += money
    some = [one for one in quantity if quantity[one] or revenue[one]]
    some.sort(key=lambda one: (-revenue[one], one))
    return [
        {"product_id": one, "quantity": exact(quantity[one]), "revenue": exact(revenue[one])}
        for one in some[:10]
    ]


row = st.tuples(
    st.sampled_from([0, 86400, 172800]),
    st.sampled_from(["EUR", "USD"]),
    st.integers(0, 25).map(lambda number: f"p{number}"),
    st.integers(-3, 3),
    st.one_of(st.integers(-2, 2), st.integers(-(10**17), 10**17), st.integers(-(10**30), 10**30)),
)


def read(rows: list[Row], begins: list[int], products: ProductNumbers) -> list[ProductSums]:
    found = read_product_sums(windows(rows), days(begins), products)
    assert found is not None
    return found


@given(st.lists(row, max_size=60))
def test_parts_together_are_the_sums_of_their_rows(rows: list[Row]) -> None:
    # one after the other, or in one reading with a part between that nobody wants
    begins, apart = [0, 172800], ProductNumbers()
    for parts in (
        read(rows, begins, ProductNumbers()),
        [one for begin in begins for one in read(rows, [begin], apart)],
    ):
        ours = [one for one in rows if one[0] in begins]
        for currency in ("EUR", "USD", "GBP"):
            assert best(parts, currency) == plain(ours, currency)
        sold: Counter[str] = Counter()
        for _, _, product, number, _ in ours:
            sold[product] += number
        wanted = ["p1", "p2", "p30"]
        found = units(parts, wanted)
        assert {one: found.get(one, 0) for one in wanted} == {
            one: exact(sold[one]) for one in wanted
        }


def test_ten_of_those_that_tie_are_the_first_by_id() -> None:
    rows = [(0, "EUR", f"p{number:02}", 1, 5) for number in reversed(range(30))]
    found = best(read(rows, [0], ProductNumbers()), "EUR")
    assert [one["product_id"] for one in found] == [f"p{number:02}" for number in range(10)]


def test_sums_beyond_64_bits_are_exact() -> None:
    most = 2**63 - 1
    rows = [(0, "EUR", "p", 1, most)] * 3 + [(0, "EUR", "q", 1, -(2**70))]
    found = best(read(rows, [0], ProductNumbers()), "EUR")
    assert [one["revenue"] for one in found] == [
        Decimal(3 * most).scaleb(-4),
        Decimal(-(2**70)).scaleb(-4),
    ]


def test_products_are_weighed_once_whoever_brought_them() -> None:
    there = ProductNumbers()
    for ids in (["a", "bb"], ["bb", "ä" * 100]):
        there.of(ids)
    assert there.size() == 3 * PRODUCT_BYTES + sum(map(getsizeof, ["a", "bb", "ä" * 100]))


def test_too_many_currencies_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CURRENCIES", 3)
    rows: list[Row] = [(begin, code, "p", 1, 1) for begin in (0, 86400) for code in ("AAA", "BBB")]
    assert read_product_sums(windows(rows[:2]), days([0]), ProductNumbers()) is not None
    assert read_product_sums(windows(rows), days([0, 86400]), ProductNumbers()) is None


def test_revenue_beyond_64_bits_weighs_more() -> None:
    small, large = (
        read([(0, "EUR", "p", 1, units)], [0], ProductNumbers())[0].size() for units in (1, 2**70)
    )
    assert large - small == LONG_BYTES
