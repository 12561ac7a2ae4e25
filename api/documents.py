"""Shapes of the answers, for the OpenAPI document only: the answers themselves are written elsewhere."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api import examples

MONEY = Field(description="A JSON number with exactly its digits, at most 4 decimals")
DAY = Field(description="A local date of the shop, YYYY-MM-DD")
RATE = Field(description="Half-even to 4 decimals; null where there is nothing to divide by")
FRACTION = Field(description="Half-even to 4 decimals; null where the period before is not above 0")


class Sums(BaseModel):
    totalRevenue: float = MONEY
    totalOrders: int
    totalItems: int


class Totals(Sums):
    averageOrderValue: float | None = Field(
        description="Half-even to 2 decimals; null without orders"
    )


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
    quantity: int
    revenue: float = MONEY


class Answer(BaseModel):
    shopId: str
    asOf: str | None = Field(
        description="Everything that reached Kafka before this instant is included"
    )


class Report(Answer):
    currency: str | None = Field(
        description="null in a shop without orders that has not said its currency"
    )
    timezone: str = Field(description="IANA name; UTC until the shop says otherwise")
    partial: bool = Field(description="The period is not over")
    otherCurrencies: list[OtherCurrency] = Field(description="Sorted; never added to the totals")


class Sales(Report, Totals):
    topProducts: list[TopProduct] = Field(description="At most 10, by revenue, then by productId")


class DailySales(Sales):
    model_config = ConfigDict(json_schema_extra={"example": examples.DAILY})
    date: str = DAY
    hourlyBreakdown: list[Hour] = Field(
        description="The hours from the day's first instant on: 24, at a DST change 23 or 25"
    )


class WeeklySales(Sales):
    model_config = ConfigDict(json_schema_extra={"example": examples.WEEKLY})
    week: int = Field(description="ISO week of startDate")
    weekYear: int = Field(description="ISO year of startDate")
    startDate: str = DAY
    endDate: str = Field(description="Inclusive")
    dailyBreakdown: list[Day]


class MonthlySales(Sales):
    model_config = ConfigDict(json_schema_extra={"example": examples.MONTHLY})
    year: int
    month: int
    weeklyBreakdown: list[Week] = Field(description="Monday weeks, clipped to the month")


class Paid(BaseModel):
    count: int
    amount: float = MONEY


class Payments(BaseModel):
    received: Paid
    failed: Paid
    failureRate: float | None = RATE


class Metrics(Sales):
    model_config = ConfigDict(json_schema_extra={"example": examples.METRICS})
    startDate: str = DAY
    endDate: str = Field(description="Inclusive")
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
    model_config = ConfigDict(json_schema_extra={"example": examples.TRENDS})
    startDate: str = DAY
    endDate: str = Field(description="Inclusive")
    series: list[Day] = Field(description="Every day of the period")
    movingAverage7: list[float] = Field(
        description="Revenue of a day and the six before it, a seventh; half-even to 2 decimals"
    )
    change: Change = Field(description="Against as many days before, as a fraction")


class Level(BaseModel):
    productId: str
    locationId: str | None = Field(description="null for the shop as a whole")
    name: str | None
    sku: str | None
    quantity: int
    threshold: int = Field(description="That of the level, else the shop's, else 10")
    onOrder: int = Field(description="Units in purchases created and not received")
    dailySales: float = Field(
        description="Units sold over the last 14 local days, today included, a fourteenth"
    )
    daysOfCover: float | None = Field(description="null without sales")
    low: bool = Field(description="At or below the threshold")


class Stock(Answer):
    model_config = ConfigDict(json_schema_extra={"example": examples.STOCK})
    levels: list[Level] = Field(description="By productId, then locationId, null first")
    next: str | None = Field(description="The cursor of the next page; null on the last one")


class Ticket(BaseModel):
    ticket: str
    expiresIn: int = Field(description="Seconds")


class PresentUser(BaseModel):
    userId: str
    connections: int


class Present(BaseModel):
    connections: int = Field(description="Open streams of the shop, over all API processes")
    users: list[PresentUser] = Field(description="By userId, at most 1,000")


class PushedEvent(BaseModel):
    cursor: str = Field(description="The place right after the event")
    event: dict[str, Any] = Field(description="The CloudEvent as it came")


class History(BaseModel):
    events: list[PushedEvent] = Field(description="In the order of each partition")
    next: str | None = Field(
        description="`after` of the next page; null where this one is the last"
    )
    complete: bool = Field(description="False where events after the cursor are not kept any more")


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    parameter: str | None = None
    rule: str | None = None


_TITLES = {
    400: "A parameter breaks its rule",
    401: "A valid token is needed",
    403: "The token does not allow this",
    429: "As many streams are open as may be",
    503: "A dependency does not answer, or the place is not reached yet",
}


Responses = dict[int | str, dict[str, Any]]


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


def responses(good: Responses, *statuses: int) -> Responses:
    """The documented answers of a route: what it gives, and its problems by status."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    problems: Responses = {
        status: {
            "description": _TITLES[status],
            "content": {
                "application/problem+json": {
                    "schema": schema,
                    "example": examples.PROBLEMS[status],
                }
            },
        }
        for status in statuses
    }
    return good | problems
