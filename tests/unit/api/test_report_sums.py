"""Reports equal a plain computation in fractions, at any size; what is remembered of days is what they are."""

import json
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from report_rows import NO_REFUNDS, NOON

from api.reports import days, money
from api.reports.days import Span
from api.reports.profiles import Profile
from api.reports.report import (
    Payments,
    Period,
    Report,
    ReportData,
    read_sums,
    report_body,
    revisions,
)
from api.reports.sales_reports import DailySales, Metrics, MonthlySales, Trends, WeeklySales
from clickhouse.client import Row
from shopstream.contracts import local_days
from shopstream.contracts.notices import plain

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
MOST = 10**38 - 1
AMOUNTS = st.one_of(st.integers(-MOST, MOST), st.integers(-(10**7), 10**7), st.just(0))
"""Of 1/10000."""
ROWS = st.lists(
    st.tuples(
        st.integers(0, 10**6),
        st.sampled_from(["EUR", "EUR", "EUR", "USD"]),
        st.integers(-2, 10**6),
        AMOUNTS,
        st.integers(-(10**6), 10**12),
        st.sampled_from(["plain", "padded", "decimal"]),
    ),
    max_size=60,
)
Drawn = list[tuple[int, str, int, int, int, str]]
Plain = tuple[Fraction, int, int]


def revenue(units: int, form: str) -> Decimal | str:
    exact = Decimal(units).scaleb(-4, money._EXACT)
    return {"plain": plain(exact), "padded": f"{exact:f}", "decimal": exact}[form]


def made(report: Report, zone: str, drawn: Drawn) -> tuple[Any, Sequence[datetime], list[Row]]:
    """The body as it leaves, with every number a fraction; the marks; the rows."""
    profile = Profile("EUR", ZoneInfo(zone))
    period = report.period(days.today(NOON, profile.zone), profile.zone)
    rows = [
        {
            "begin": int(period.boundaries[place % (len(period.boundaries) - 1)].timestamp()),
            "currency": currency,
            "orders": orders,
            "revenue": revenue(units, form),
            "items": items,
            **NO_REFUNDS,
        }
        for place, currency, orders, units, items, form in drawn
    ]
    text = orjson.dumps(report_body(report, "s1", NOON, profile, period, ReportData(rows)))
    return json.loads(text, parse_float=Fraction, parse_int=Fraction), period.boundaries, rows


def between(rows: list[Row], start: datetime, end: datetime, currency: str = "EUR") -> Plain:
    some = [
        row
        for row in rows
        if row["currency"] == currency and start.timestamp() <= row["begin"] < end.timestamp()
    ]
    return (
        sum((Fraction(Decimal(row["revenue"])) for row in some), Fraction()),
        sum(row["orders"] for row in some),
        sum(row["items"] for row in some),
    )


def of(body: dict[str, Any]) -> Plain:
    return body["totalRevenue"], body["totalOrders"], body["totalItems"]


def rounded(number: Fraction, decimals: int) -> Fraction:
    """Half-even, as Python rounds fractions."""
    return Fraction(round(number * 10**decimals), 10**decimals)


def change(before: Fraction, now: Fraction) -> Fraction | None:
    return rounded((now - before) / before, 4) if before > 0 else None


@settings(max_examples=150)
@given(st.integers(1, 40), st.sampled_from(ZONES), ROWS)
def test_trends_equal_a_plain_computation(length: int, zone: str, drawn: Drawn) -> None:
    body, marks, rows = made(Trends(Span(length)), zone, drawn)
    since = len(marks) - 1 - length
    assert [of(entry) for entry in body["series"]] == [
        between(rows, marks[n], marks[n + 1]) for n in range(since, len(marks) - 1)
    ]
    assert body["movingAverage7"] == [
        rounded(between(rows, marks[n - 6], marks[n + 1])[0] / 7, 2)
        for n in range(since, len(marks) - 1)
    ]
    before = between(rows, marks[since - length], marks[since])
    now = between(rows, marks[since], marks[-1])
    assert tuple(body["change"].values()) == tuple(
        change(Fraction(one), Fraction(other)) for one, other in zip(before, now, strict=True)
    )
    dollars = between(rows, marks[since], marks[-1], "USD")
    assert [of(entry) for entry in body["otherCurrencies"]] == ([dollars] if any(dollars) else [])


@settings(max_examples=100)
@given(
    st.sampled_from(
        [
            (DailySales(), "hourlyBreakdown"),
            (DailySales(date(2026, 10, 25)), "hourlyBreakdown"),
            (WeeklySales(), "dailyBreakdown"),
            (MonthlySales(), "weeklyBreakdown"),
            (Metrics(), None),
        ]
    ),
    st.sampled_from(ZONES),
    ROWS,
)
def test_totals_and_breakdowns_equal_a_plain_computation(
    asked: tuple[Report, str | None], zone: str, drawn: Drawn
) -> None:
    report, breakdown = asked
    body, marks, rows = made(report, zone, drawn)
    parts = [between(rows, *marks[n : n + 2]) for n in range(len(marks) - 1)]
    if breakdown:
        assert [of(entry) for entry in body[breakdown]] == parts
        total = between(rows, marks[0], marks[-1])
    else:
        total = parts[1]
        assert of(body["previousPeriod"]) == parts[0]
    assert of(body) == total
    average = rounded(total[0] / total[1], 2) if total[1] else None
    assert body["averageOrderValue"] == average


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_an_amount_leaves_without_exponent_and_without_zeros_at_its_end(amount: Decimal) -> None:
    assert orjson.dumps(money.number(amount)).decode() == plain(amount)


@given(st.lists(AMOUNTS, max_size=20), st.integers(1, 8))
def test_moving_averages_are_averages(units: list[int], window: int) -> None:
    amounts = [Decimal(one).scaleb(-4, money._EXACT) for one in units]
    assert money.moving_averages(amounts, window) == [
        money.average(money.total(amounts[n : n + window]), window)
        for n in range(len(amounts) - window + 1)
    ]


def test_rows_of_the_same_part_add_up_and_what_is_before_the_period_is_no_other_currency() -> None:
    marks = days.boundaries(
        (date(2026, 11, 21), date(2026, 11, 22)), date(2026, 11, 22), ZoneInfo("UTC")
    )
    rows = [
        {
            "begin": int(mark.timestamp()),
            "currency": code,
            "orders": 1,
            "revenue": r,
            "items": 2,
            **NO_REFUNDS,
        }
        for mark in marks[:2]
        for code in ("EUR", "USD")
        for r in ("0.1", Decimal("0.20"))
    ]
    sums = read_sums(rows, marks, 1, "EUR")
    assert sums.parts == [(Decimal("0.30"), 2, 4, 0, 0, 0)] * 2
    assert sums.others == {"USD": (Decimal("0.30"), 2, 4, 0, 0, 0)}
    assert read_sums([], marks, 1, None).parts == [(0, 0, 0, 0, 0, 0)] * 2


def test_what_is_remembered_of_days_is_what_they_are() -> None:
    dice = random.Random(7)
    some = [date(1999, 12, 31) + timedelta(days=dice.randrange(36_890)) for _ in range(300)]
    some += [date(2011, 12, day) for day in range(28, 32)]
    for name in (*ZONES, "Pacific/Apia", "America/Havana"):
        zone = ZoneInfo(name)
        for day in some * 2:
            assert days.first_instant(day, zone) == local_days.first_instant(day, zone)
            begins = days.hours(day, zone)[:-1]
            assert days.hour_texts(day, zone) == tuple(days.local_text(at, zone) for at in begins)
    assert days.first_instant.cache_info().maxsize == days.DAYS_KEPT
    assert days.hours.cache_info().maxsize == days.HOURS_KEPT


def test_dates_are_all_of_them() -> None:
    first, last = date(2024, 2, 27), date(2024, 3, 1)
    assert days.date_texts(first, last) == ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"]
    assert days.dates(last, last) == [last]
    assert days.dates(last, first) == []
    assert days.boundaries(days.dates(first, first), first, ZoneInfo("Asia/Tokyo")) == [
        datetime(2024, 2, 26, 15, tzinfo=UTC),
        datetime(2024, 2, 27, 15, tzinfo=UTC),
    ]


def test_a_period_says_when_it_last_changed_after_it_had_ended() -> None:
    marks = days.boundaries((date(2026, 1, 1),), date(2026, 1, 31), ZoneInfo("UTC"))
    end = int(marks[-1].timestamp())
    row = {"begin": int(marks[0].timestamp()), "currency": "EUR", "orders": 1, "revenue": 1}
    row |= {"items": 1, **NO_REFUNDS}

    def said(**more: int) -> Any:
        sums = read_sums([row | more], marks, 0, "EUR")
        period = Period(date(2026, 1, 1), date(2026, 1, 31), marks)
        return revisions(period, sums, ReportData(payments=Payments(revised=end + 60)))

    paid = {"payments": "2026-02-01T00:01:00Z"}
    assert said(revised=end - 1) == {
        "revisedAt": "2026-02-01T00:01:00Z",
        "revised": {"orders": None, "refunds": None, **paid},
    }
    assert said(revised=end, refunds_revised=end + 86400) == {
        "revisedAt": "2026-02-02T00:00:00Z",
        "revised": {
            "orders": "2026-02-01T00:00:00Z",
            "refunds": "2026-02-02T00:00:00Z",
            **paid,
        },
    }


def test_what_changed_before_the_period_is_none_of_it() -> None:
    begins = (date(2026, 11, 21), date(2026, 11, 22))
    marks = days.boundaries(begins, date(2026, 11, 22), ZoneInfo("UTC"))
    row = {"begin": int(marks[0].timestamp()), "currency": "EUR", "orders": 1, "revenue": 1}
    sums = read_sums([{**row, "items": 1, **NO_REFUNDS, "revised": 2**31}], marks, 1, "EUR")
    assert (sums.revised, sums.refunds_revised) == (0, 0)
