"""Queries, and the questions they make or the rules they break."""

from datetime import date
from typing import Any

import pytest
from starlette.datastructures import QueryParams

from api.faults import BadParameter
from api.parameters import read_query
from api.reports.days import Span
from api.reports.endpoints import REPORTS, STOCK
from api.reports.sales_reports import DailySales, Metrics, MonthlySales, Trends, WeeklySales
from api.reports.stock import Position, StockPage, write_cursor

ENDPOINTS = {endpoint.path.rpartition("/")[2]: endpoint for endpoint in (*REPORTS, STOCK)}


def asked(path: str, query: str) -> Any:
    endpoint = ENDPOINTS[path]
    return endpoint.read(read_query(QueryParams(query), endpoint.parameters))


DAY = date(2026, 11, 22)
CURSOR = write_cursor(Position("p-1", "b"))


@pytest.mark.parametrize(
    ("path", "query", "question"),
    [
        ("daily-sales", "", DailySales()),
        ("daily-sales", "date=2026-11-22&shopId=s", DailySales(DAY)),
        ("weekly-sales", "startDate=2026-11-22", WeeklySales(DAY)),
        ("monthly-sales", "year=2024", MonthlySales(2024)),
        ("monthly-sales", "month=2&year=2024", MonthlySales(2024, 2)),
        ("monthly-sales", "month=012", MonthlySales(None, 12)),
        ("metrics", "", Metrics(Span(30))),
        ("metrics", "days=366", Metrics(Span(366))),
        ("trends", "days=1", Trends(Span(1))),
        (
            "trends",
            "startDate=2026-11-22&endDate=2026-11-22",
            Trends(Span(first=DAY, last=DAY)),
        ),
        (
            "metrics",
            "startDate=2025-11-22&endDate=2026-11-22",
            Metrics(Span(first=date(2025, 11, 22), last=DAY)),
        ),
        ("stock", "", StockPage()),
        ("stock", "low=true", StockPage(low=True)),
        ("stock", "low=false&limit=1000", StockPage(low=False, limit=1000)),
        ("stock", f"cursor={CURSOR}", StockPage(after=Position("p-1", "b"))),
    ],
)
def test_a_query_is_a_question(path: str, query: str, question: object) -> None:
    assert asked(path, query) == question


DATE = "must be a date as YYYY-MM-DD"
WHOLE = "must be a whole number from 1 to 366"


@pytest.mark.parametrize(
    ("path", "query", "name", "rule"),
    [
        ("daily-sales", "date=22.11.2026", "date", DATE),
        ("daily-sales", "date=2026-11-22&date=2026-11-22", "date", "must stand once"),
        (
            "daily-sales",
            "days=3",
            "days",
            "is not a parameter here; there are: shopId, date, includes",
        ),
        ("weekly-sales", "startDate=", "startDate", DATE),
        (
            "weekly-sales",
            "startDate=2026-02-29",
            "startDate",
            "must be a date that exists, as YYYY-MM-DD",
        ),
        ("monthly-sales", "month=13", "month", "must be a whole number from 1 to 12"),
        ("monthly-sales", "month=0", "month", "must be a whole number from 1 to 12"),
        ("monthly-sales", "year=1998", "year", "must be a whole number from 1999 to 2101"),
        ("monthly-sales", "year=20x6", "year", "must be a whole number from 1999 to 2101"),
        ("metrics", "days=0", "days", WHOLE),
        ("metrics", "days=367", "days", WHOLE),
        ("metrics", "days=-1", "days", WHOLE),
        ("metrics", "days=1.5", "days", WHOLE),
        ("metrics", "days=%2B7", "days", WHOLE),
        ("trends", "days=٧", "days", WHOLE),
        ("trends", "days=7&days=7", "days", "must stand once"),
        ("metrics", "startDate=2026-11-22", "endDate", "is required with startDate"),
        ("trends", "endDate=2026-11-22", "startDate", "is required with endDate"),
        (
            "trends",
            "startDate=2026-11-22&endDate=2026-11-21",
            "endDate",
            "must make 1 to 366 days with startDate",
        ),
        (
            "trends",
            "startDate=2025-11-21&endDate=2026-11-22",
            "endDate",
            "must make 1 to 366 days with startDate",
        ),
        (
            "metrics",
            "days=7&startDate=2026-11-21&endDate=2026-11-22",
            "days",
            "must not stand beside startDate and endDate",
        ),
        (
            "metrics",
            "days=7&endDate=2026-11-22",
            "days",
            "must not stand beside startDate and endDate",
        ),
        ("stock", "low=1", "low", "must be true or false"),
        ("stock", "limit=0", "limit", "must be a whole number from 1 to 1000"),
        ("stock", "limit=1001", "limit", "must be a whole number from 1 to 1000"),
        ("stock", "cursor=", "cursor", "must be a next of an earlier answer"),
        ("stock", "cursor=AAAA", "cursor", "must be a next of an earlier answer"),
        ("stock", "cursor=é", "cursor", "must be a next of an earlier answer"),
        ("stock", f"cursor={CURSOR}A", "cursor", "must be a next of an earlier answer"),
        ("stock", "cursor=WzEsMl0", "cursor", "must be a next of an earlier answer"),
        ("stock", "cursor=WyJhIl0", "cursor", "must be a next of an earlier answer"),
        ("stock", "cursor=WyIiLCIiXQ", "cursor", "must be a next of an earlier answer"),
        ("stock", "offset=7", "offset", None),
    ],
)
def test_another_query_is_refused_with_its_rule(
    path: str, query: str, name: str, rule: str | None
) -> None:
    with pytest.raises(BadParameter) as fault:
        asked(path, query)
    assert fault.value.name == name
    assert rule is None or fault.value.rule == rule


def test_two_questions_that_are_the_same_are_one_key() -> None:
    assert len({asked("metrics", ""), asked("metrics", "days=30"), asked("trends", "")}) == 2


def test_every_parameter_is_documented_with_an_example() -> None:
    for endpoint in ENDPOINTS.values():
        for parameter in endpoint.own:
            assert parameter.description, parameter.name
            assert parameter.example is not None, parameter.name
            text = "true" if parameter.example is True else str(parameter.example)
            parameter.read(text)
