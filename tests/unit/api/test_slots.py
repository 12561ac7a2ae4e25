"""Columns of 15-minute buckets against plain sums."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_rows import payment_columns, window_rows

from api.reports.sums import (
    Currencies,
    SlotRows,
    joined,
    payment_rows,
    read_slots,
    sales_rows,
    sum_rows,
)

Row = tuple[int, str, int, int, int]
"""Slot, currency, orders, items, revenue in 1/10000."""


def rows_of(rows: list[Row]) -> SlotRows:
    windows = window_rows(
        ("sales_15m", slot, code, "", orders, items * 10_000, units)
        for slot, code, orders, items, units in rows
    )
    return sales_rows(windows)


def plain(rows: list[Row], marks: list[int]) -> dict[tuple[int, str], tuple[int, int, Decimal]]:
    found: dict[tuple[int, str], tuple[int, int, Decimal]] = {}
    for slot, code, orders, items, units in rows:
        below = [mark for mark in marks[:-1] if mark <= slot]
        if below and slot < marks[-1]:
            before = found.get((below[-1], code), (0, 0, Decimal(0)))
            amount = Decimal(units) / 10_000 if abs(units) < 2**80 else Decimal(f"{units}e-4")
            found[below[-1], code] = before[0] + orders, before[1] + items, before[2] + amount
    return found


def told(part: Currencies, marks: list[int]) -> dict[tuple[int, str], object]:
    return {
        (row["begin"], row["currency"]): (row["orders"], row["items"], row["revenue"])
        for row in sum_rows(part, marks)
    }


slots = st.integers(0, 40).map(lambda number: number * 900)
rows = st.lists(
    st.tuples(
        slots,
        st.sampled_from(["EUR", "USD"]),
        st.integers(-5, 5),
        st.integers(-(2**40), 2**40),
        st.one_of(st.integers(-(10**9), 10**9), st.integers(-(10**22), 10**22)),
    ),
    max_size=30,
)


@given(rows, st.lists(slots, min_size=2, max_size=8).map(sorted), slots)
def test_sums_between_marks_are_those_of_plain_addition(
    some: list[Row], marks: list[int], cut: int
) -> None:
    whole = read_slots(rows_of(some))
    assert told(whole, marks) == plain(some, marks)
    parts = [
        {code: slots.between(*part) for code, slots in whole.items()}
        for part in ((0, cut), (cut, 100_000))
    ]
    assert told(joined(parts), marks) == plain(some, marks)


@pytest.mark.parametrize("units", [2**62, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**37])
def test_an_amount_of_any_size_is_exact(units: int) -> None:
    part = read_slots(rows_of([(0, "EUR", 1, 1, units), (900, "EUR", 1, 1, units)]))
    (row,) = sum_rows(part, [0, 1800])
    assert row["revenue"] == Decimal(f"{2 * units}e-4")


def test_many_rows_whose_sum_needs_more_than_64_bits_are_exact() -> None:
    draw = random.Random(1)
    some = [(900 * number, "EUR", 1, 1, draw.randrange(2**62)) for number in range(100)]
    (row,) = sum_rows(read_slots(rows_of(some)), [0, 90_000])
    assert row["revenue"] == Decimal(f"{sum(units for *_, units in some)}e-4")


def test_nothing_is_no_rows() -> None:
    assert read_slots(rows_of([])) == read_slots(payment_rows(*payment_columns([]))) == {}
    assert sum_rows({}, [0, 900]) == []
    assert sum_rows(read_slots(rows_of([(0, "EUR", 1, 1, 1)])), [900, 900]) == []


def test_payments_are_orders_without_items() -> None:
    rows = [(900, b"EUR", 2, 2**70, 5), (1800, b"EUR", -1, -30, 9), (900, b"eur", 1, 10_000, 7)]
    received, failed = sum_rows(read_slots(payment_rows(*payment_columns(rows))), [0, 2700])
    nothing = {"items": 0, "gross": 0, "refunds": 0, "refunded": 0, "refunds_revised": 0}
    amount = Decimal(f"{2**70 - 30}e-4")
    assert received == {
        **nothing,
        "begin": 0,
        "currency": "EUR",
        "orders": 1,
        "revenue": amount,
        "revised": 9,
    }
    assert (failed["currency"], failed["orders"], failed["revenue"]) == ("eur", 1, 1)


def test_refunds_and_what_is_returned_are_windows_of_their_own() -> None:
    windows = window_rows(
        [
            ("sales_15m", 900, "EUR", "", 2, 30_000, 70, 5),
            ("returned_15m", 900, "EUR", "", 0, 0, 20),
            ("refunds_15m", 900, "EUR", "", 1, 0, -(2**70), 9),
        ]
    )
    (row,) = sum_rows(read_slots(sales_rows(windows)), [0, 1800])
    assert row == {
        "begin": 0,
        "currency": "EUR",
        "orders": 2,
        "items": Decimal(3),
        "revenue": Decimal("0.007"),
        "gross": Decimal("0.009"),
        "refunds": 1,
        "refunded": Decimal(f"-{2**70}e-4"),
        "revised": 5,
        "refunds_revised": 9,
    }
