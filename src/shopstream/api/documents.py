"""Shapes of the answers, for the OpenAPI document only: the answers themselves are written elsewhere."""

from typing import Any

from pydantic import BaseModel, Field

MONEY = Field(description="A JSON number with exactly its digits, at most 4 decimals")


class Sums(BaseModel):
    totalRevenue: float = MONEY
    totalOrders: int
    totalItems: int


class Hour(Sums):
    start: str = Field(description="RFC 3339 with the shop's offset at that instant")


class OtherCurrency(Sums):
    currency: str


class TopProduct(BaseModel):
    productId: str
    name: str | None
    quantity: int
    revenue: float = MONEY


class Report(Sums):
    shopId: str
    currency: str | None = Field(description="null in a shop without orders")
    timezone: str
    partial: bool = Field(description="The period is not over")
    averageOrderValue: float | None = Field(description="Half-even to 2 decimals")
    topProducts: list[TopProduct]
    otherCurrencies: list[OtherCurrency]
    asOf: str | None = Field(
        description="Everything that reached Kafka before this instant is included"
    )


class DailySales(Report):
    date: str
    hourlyBreakdown: list[Hour]


class Ticket(BaseModel):
    ticket: str
    expiresIn: int = Field(description="Seconds")


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
    503: "A dependency does not answer, or the place is not reached yet",
}


Responses = dict[int | str, dict[str, Any]]


def responses(good: Responses, *statuses: int) -> Responses:
    """The documented answers of a route: what it gives, and its problems by status."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    problems: Responses = {
        status: {
            "description": _TITLES[status],
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status in statuses
    }
    return good | problems
