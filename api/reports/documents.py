"""Shapes of the reports and of the stock, and an example of each, for the OpenAPI document."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.documents import Body, Responses, example_of

GROSS = Field(
    description="Totals of orders of the period that count or are refunded, refunds not taken off"
)
REFUNDS = Field(description="Made in the period, of orders of any date")
MONEY = Field(description="A JSON number with exactly its digits, at most 4 decimals")
DAY = Field(description="A local date of the shop, YYYY-MM-DD")
RATE = Field(description="Half-even to 4 decimals; null where there is nothing to divide by")
FRACTION = Field(description="Half-even to 4 decimals; null where the period before is not above 0")

_SUMS = {"totalRevenue": 150.51, "totalOrders": 5, "totalItems": 12}
_NONE = {"totalRevenue": 0, "totalOrders": 0, "totalItems": 0}
_BEFORE = {"grossRevenue": 160.51, "refunds": {"count": 1, "amount": 10}}
_TOTALS = {**_SUMS, "averageOrderValue": 30.1, **_BEFORE}
_OF_SHOP = {"shopId": "s-17", "currency": "EUR", "timezone": "Europe/Berlin", "partial": True}
_TOP = [{"productId": "p-1", "name": "Blue cup", "quantity": 7, "revenue": 87.5}]
_OTHERS = [{"currency": "USD", "totalRevenue": 12, "totalOrders": 1, "totalItems": 1}]
_TAIL = {
    "otherCurrencies": _OTHERS,
    "revisedAt": "2026-11-24T08:01:12Z",
    "revised": {
        "orders": "2026-11-23T00:00:02Z",
        "refunds": "2026-11-24T08:01:12Z",
        "payments": "2026-11-23T00:00:02Z",
    },
    "asOf": "2026-11-22T10:15:30.123456Z",
}
_SPAN = {"startDate": "2026-11-21", "endDate": "2026-11-22"}
_SERIES = [{"date": "2026-11-21", **_NONE}, {"date": "2026-11-22", **_SUMS}]


def _sales(period: Body, **own: Any) -> ConfigDict:
    return example_of(_OF_SHOP, period, _TOTALS, own, _TAIL)


class Sums(BaseModel):
    totalRevenue: float = MONEY
    totalOrders: int
    totalItems: float


class Paid(BaseModel):
    count: int
    amount: float = MONEY


class Totals(Sums):
    averageOrderValue: float | None = Field(
        description="Half-even to the decimals of the currency, at least 2; null without orders"
    )
    grossRevenue: float = GROSS
    refunds: Paid = REFUNDS


class Hour(Sums):
    start: str = Field(description="RFC 3339 with the shop's offset at that instant")


class Day(Sums):
    date: str = DAY


class Week(Sums):
    week: int = Field(description="ISO week")
    startDate: str = DAY
    endDate: str = DAY


class OtherCurrency(Sums):
    currency: str


class TopProduct(BaseModel):
    productId: str
    name: str | None
    quantity: float
    revenue: float = MONEY


class Answer(BaseModel):
    shopId: str
    asOf: str | None = Field(
        description="Everything that reached Kafka before this instant is included"
    )


class Revised(BaseModel):
    orders: str | None
    refunds: str | None
    payments: str | None


class Report(Answer):
    currency: str | None = Field(
        description="null in a shop without orders that has not said its currency"
    )
    timezone: str = Field(
        description="IANA name, or an offset such as +05:30; UTC until the shop says otherwise"
    )
    partial: bool = Field(description="The period is not over")
    otherCurrencies: list[OtherCurrency] = Field(description="Sorted; never added to the totals")
    revisedAt: str | None = Field(
        description="When the numbers of the period last changed after it had ended; null where they did not"
    )
    revised: Revised = Field(description="The same by what changed them")


class Sales(Report, Totals):
    topProducts: list[TopProduct] = Field(description="At most 10, by revenue, then by productId")


class DailySales(Sales):
    model_config = _sales(
        {"date": "2026-11-22"},
        hourlyBreakdown=[{"start": "2026-11-22T00:00:00+01:00", **_SUMS}],
        topProducts=_TOP,
    )
    date: str = DAY
    hourlyBreakdown: list[Hour] = Field(
        description="The hours from the day's first instant on: 24, at a DST change 23 or 25"
    )


class WeeklySales(Sales):
    model_config = _sales(
        {"week": 47, "weekYear": 2026, "startDate": "2026-11-16", "endDate": "2026-11-22"},
        dailyBreakdown=_SERIES,
        topProducts=_TOP,
    )
    week: int = Field(description="ISO week of startDate")
    weekYear: int = Field(description="ISO year of startDate")
    startDate: str = DAY
    endDate: str = Field(description="Inclusive")
    dailyBreakdown: list[Day]


class MonthlySales(Sales):
    model_config = _sales(
        {"year": 2026, "month": 11},
        weeklyBreakdown=[{"week": 44, "startDate": "2026-11-01", "endDate": "2026-11-01", **_SUMS}],
        topProducts=_TOP,
    )
    year: int
    month: int
    weeklyBreakdown: list[Week] = Field(description="Monday weeks, clipped to the month")


class Payments(BaseModel):
    received: Paid
    failed: Paid
    failureRate: float | None = RATE


class Metrics(Sales):
    model_config = _sales(
        _SPAN,
        totalTax=24.03,
        totalShipping=9.8,
        totalDiscount=0,
        totalTip=0,
        averageItemsPerOrder=2.4,
        sessions=80,
        conversionRate=0.0625,
        topProducts=_TOP,
        payments={
            "received": {"count": 5, "amount": 150.51},
            "failed": {"count": 1, "amount": 20},
            "failureRate": 0.1667,
        },
        previousPeriod={
            **_NONE,
            "averageOrderValue": None,
            "grossRevenue": 0,
            "refunds": {"count": 0, "amount": 0},
        },
    )
    startDate: str = DAY
    endDate: str = Field(description="Inclusive")
    totalTax: float = MONEY
    totalShipping: float = MONEY
    totalDiscount: float = MONEY
    totalTip: float = MONEY
    averageItemsPerOrder: float | None = Field(description="Half-even to 2 decimals")
    sessions: int = Field(description="The sum over the days of the sessions of each")
    conversionRate: float | None = RATE
    payments: Payments = Field(description="Those in the shop's currency")
    previousPeriod: Totals = Field(description="As many days before startDate")


class Change(BaseModel):
    totalRevenue: float | None = FRACTION
    totalOrders: float | None = FRACTION
    totalItems: float | None = FRACTION


class Trends(Report):
    model_config = example_of(
        _OF_SHOP,
        _SPAN,
        {
            **_BEFORE,
            "series": _SERIES,
            "movingAverage7": [0, 21.5],
            "change": dict.fromkeys(_SUMS),
        },
        _TAIL,
    )
    startDate: str = DAY
    endDate: str = Field(description="Inclusive")
    grossRevenue: float = GROSS
    refunds: Paid = REFUNDS
    series: list[Day] = Field(description="Every day of the period")
    movingAverage7: list[float] = Field(
        description="Revenue of a day and the six before it, a seventh; half-even as averageOrderValue"
    )
    change: Change = Field(description="Against as many days before, as a fraction")


class Level(BaseModel):
    productId: str
    locationId: str | None = Field(description="null for the shop as a whole")
    name: str | None
    sku: str | None
    quantity: float
    threshold: int = Field(description="That of the level, else the shop's, else 10")
    onOrder: float = Field(description="Units in purchases created and not received")
    dailySales: float = Field(
        description="Units sold over the last 14 local days, today included, a fourteenth"
    )
    daysOfCover: float | None = Field(description="null without sales")
    low: bool = Field(description="At or below the threshold")


class Stock(Answer):
    model_config = example_of(
        {
            "shopId": "s-17",
            "levels": [
                {
                    "productId": "p-1",
                    "locationId": None,
                    "name": "Blue cup",
                    "sku": "CUP-BLUE",
                    "quantity": 8,
                    "threshold": 10,
                    "onOrder": 24,
                    "dailySales": 0.5,
                    "daysOfCover": 16,
                    "low": True,
                }
            ],
            "next": "WyJwLTEiLCIiXQ",
            "asOf": "2026-11-22T10:15:30.123456Z",
        }
    )
    levels: list[Level] = Field(description="By productId, then locationId, null first")
    next: str | None = Field(description="The cursor of the next page; null on the last one")


def good(model: type[BaseModel]) -> Responses:
    """The documented answers of a route that answers with a tag."""
    tag = {
        "ETag": {"description": "Of everything but asOf", "schema": {"type": "string"}},
        "Shopstream-Refused": {
            "description": "Why the record in includes was refused; absent where it was not",
            "schema": {"type": "string"},
        },
    }
    return {
        200: {"model": model, "headers": tag},
        304: {"description": "Not changed", "headers": tag},
    }
