"""Shapes of answers with an example of each, and the problems of routes, for the OpenAPI document.

The answers are written elsewhere; `reports/documents.py` has the shapes of reports.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from api.faults import (
    BadParameter,
    ContentTooLarge,
    Forbidden,
    KeyReused,
    NotYet,
    RequestFault,
    TooManyStreams,
    TooSlow,
    Unauthorized,
    UnsupportedContent,
    UpgradeRequired,
)
from api.problems import MEDIA_TYPE, describe
from shopstream.contracts.events import DATA
from shopstream.contracts.examples import example

Body = dict[str, Any]


def example_of(*parts: Body) -> ConfigDict:
    """The configuration of a model with an example, whose parts follow each other."""
    return ConfigDict(
        json_schema_extra={"example": {k: v for part in parts for k, v in part.items()}}
    )


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
    cursor: str = Field(description="The position right after the event")
    event: dict[str, Any] = Field(description="The CloudEvent as it came")


class History(BaseModel):
    events: list[PushedEvent] = Field(description="In the order of each partition")
    next: str | None = Field(
        description="`after` of the next page; null where this one is the last"
    )
    complete: bool = Field(description="False where events after the cursor are not kept any more")


class StoredRecord(BaseModel):
    topic: str
    partition: int
    offset: int


class Accepted(BaseModel):
    model_config = example_of(
        {
            "records": [{"topic": "shop.orders", "partition": 3, "offset": 41}],
            "includes": "shop.orders:3:41",
        }
    )
    records: list[StoredRecord] = Field(description="Where each event is, in their order")
    includes: str = Field(description="What the parameter includes of a report takes")


class Hooked(BaseModel):
    model_config = example_of({"events": 1})
    events: int | None = Field(None, description="How many events are in Kafka")
    ignored: str | None = Field(None, description="Why the payload gives no event")


_TYPES: list[JsonValue] = [*sorted(DATA)]


class CloudEvent(BaseModel):
    """In structured mode; `data` depends on the type."""

    model_config = ConfigDict(extra="allow")
    specversion: Literal["1.0"]
    id: str = Field(min_length=1, max_length=128)
    source: str = Field(min_length=1)
    type: str = Field(json_schema_extra={"enum": _TYPES})
    shopid: str = Field(min_length=1, max_length=128)
    data: dict[str, Any]


EVENT = example("order:created")


class EventFault(BaseModel):
    index: int | None = Field(description="Of the event in the batch, from 0; null: of no event")
    reason: str = Field(description="With which the pipeline would refuse it")
    field: str | None
    rule: str


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    parameter: str | None = None
    rule: str | None = None
    field: str | None = None
    errors: list[EventFault] | None = None


_PROBLEMS: dict[int, tuple[str, RequestFault]] = {
    fault.status: (description or fault.title, fault)
    for fault, description in (
        (BadParameter("date", "must be a date as YYYY-MM-DD"), None),
        (Unauthorized("The token has expired."), None),
        (Forbidden("The token does not allow this shop."), None),
        (TooSlow("The body of the request did not come in time."), "The body comes too slowly"),
        (ContentTooLarge("A batch has at most 5,000 events."), "The body is too large"),
        (UnsupportedContent("Content-Type must be …"), "The body is of no kind that is read"),
        (KeyReused(), None),
        (UpgradeRequired("This address speaks WebSocket (RFC 6455, version 13)."), None),
        (
            TooManyStreams("This address has as many streams as it may have."),
            "As many streams are open as may be",
        ),
        (
            NotYet("The position in includes was not reached within 5 s."),
            "A dependency does not answer, or the position is not reached yet",
        ),
    )
}
"""By status: when it is answered, and a fault as the example."""


Responses = dict[int | str, dict[str, Any]]


def responses(good: Responses, *statuses: int) -> Responses:
    """The documented answers of a route: what it gives, and its problems by status."""
    problems: Responses = {}
    for status in statuses:
        description, fault = _PROBLEMS[status]
        problems[status] = problem(description, example=describe(fault).body())
    return good | problems


def problem(description: str, **more: Any) -> dict[str, Any]:
    """The documented answer with a problem; `more` stands beside its schema."""
    content = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}, **more}
    return {"description": description, "content": {MEDIA_TYPE: content}}
