"""The table of the endpoints: the path, parameters, question and body of each."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel

from api.faults import BadParameter
from api.freshness.positions import read_positions
from api.parameters import SHOP, Parameter
from api.reports import documents
from api.reports.days import DEFAULT_DAYS, EARLIEST, LATEST, MOST_DAYS, Span, read_date
from api.reports.sales_reports import DailySales, Metrics, MonthlySales, Trends, WeeklySales
from api.reports.stock import BEGIN, DEFAULT_LIMIT, MOST_LEVELS, StockPage, read_cursor

_WHOLE = re.compile(r"\d{1,4}", re.ASCII)


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return read


def _read_flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def _date(name: str, description: str, example: str) -> Parameter:
    return Parameter(name, description, read_date, {"type": "string", "format": "date"}, example)


def _number(
    name: str, description: str, low: int, high: int, example: int, default: int | None = None
) -> Parameter:
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Parameter(name, description, _whole(low, high), schema, example, default)


def read_span(days: int | None, first: date | None, last: date | None) -> Span:
    """From `days`, or from `startDate` and `endDate`.

    Raises:
        BadParameter: both, one date without the other, or a period that is empty or too long.
    """
    if first is None and last is None:
        return Span(days or DEFAULT_DAYS)
    if days is not None:
        raise BadParameter("days", "must not stand beside startDate and endDate")
    if first is None or last is None:
        missing, given = ("startDate", "endDate") if first is None else ("endDate", "startDate")
        raise BadParameter(missing, f"is required with {given}")
    if not 1 <= (last - first).days + 1 <= MOST_DAYS:
        raise BadParameter("endDate", f"must make 1 to {MOST_DAYS} days with startDate")
    return Span(first=first, last=last)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`question` takes the values of the endpoint's `own` parameters in their order and gives a value that can be
    compared; it raises `BadParameter` where they do not go together. Every endpoint has `shopId` and `includes` too."""

    path: str
    summary: str
    body: type[BaseModel]
    own: tuple[Parameter, ...]
    question: Callable[..., Any]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All of them, in the order of the documentation."""
        return (SHOP, *self.own, _INCLUDES)

    def read(self, params: dict[str, Any]) -> Any:
        """The question of the request parameters that `read_query` gave.

        Raises:
            BadParameter: they do not go together.
        """
        return self.question(*(params[parameter.name] for parameter in self.own))


_INCLUDES = Parameter(
    "includes",
    "A push cursor, or topic:partition:offset as a producer gets it from Kafka: the answer includes that"
    " record, or is a 503 after 5 s.",
    read_positions,
    example="shop.orders:3:41",
)
_SPAN = (
    _number("days", f"Local days, today included; {DEFAULT_DAYS} by default.", 1, MOST_DAYS, 30),
    _date("startDate", "The first local date, in place of days; needs endDate.", "2026-11-01"),
    _date("endDate", f"The last local date, at most {MOST_DAYS} with the first.", "2026-11-22"),
)
REPORTS = (
    Endpoint(
        "/reports/daily-sales",
        "Sales of one local day, by hour",
        documents.DailySales,
        (_date("date", "A local date of the shop; by default today.", "2026-11-22"),),
        DailySales,
    ),
    Endpoint(
        "/reports/weekly-sales",
        "Sales of seven local days",
        documents.WeeklySales,
        (
            _date(
                "startDate",
                "The first of the seven local dates; by default this week's Monday.",
                "2026-11-16",
            ),
        ),
        WeeklySales,
    ),
    Endpoint(
        "/reports/monthly-sales",
        "Sales of a month, by week",
        documents.MonthlySales,
        (
            _number("year", "By default the present one.", EARLIEST.year, LATEST.year, 2026),
            _number("month", "By default the present one.", 1, 12, 11),
        ),
        MonthlySales,
    ),
    Endpoint(
        "/reports/metrics",
        "Totals, visitors and payments of some days, beside the days before",
        documents.Metrics,
        _SPAN,
        lambda *span: Metrics(read_span(*span)),
    ),
    Endpoint(
        "/reports/trends",
        "Sales day by day, smoothed, and what changed",
        documents.Trends,
        _SPAN,
        lambda *span: Trends(read_span(*span)),
    ),
)
STOCK = Endpoint(
    "/stock",
    "Levels as they now stand, a page at a time",
    documents.Stock,
    (
        Parameter(
            "low",
            "Only levels at or below their threshold, or only the others.",
            _read_flag,
            {"type": "boolean"},
            True,
        ),
        _number(
            "limit",
            f"Levels of a page; {DEFAULT_LIMIT} by default.",
            1,
            MOST_LEVELS,
            100,
            DEFAULT_LIMIT,
        ),
        Parameter(
            "cursor",
            "The next of the page before.",
            read_cursor,
            example="WyJwLTEiLCIiXQ",
            default=BEGIN,
        ),
    ),
    StockPage,
)
