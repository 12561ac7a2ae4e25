"""A visit to the storefront; those of one session count once a local day."""

from shopstream.contracts import values
from shopstream.contracts.schema import Field, Shape

VISIT = Shape(
    (
        Field(
            "sessionId",
            values.identifier,
            "The visitor's session; it counts once a local day.",
            required=True,
        ),
        Field("at", values.time, "When the visit was.", required=True),
        Field("customerId", values.identifier, "Who it was, where the shop knows."),
    ),
    about="A visit to the storefront.",
)
EVENTS = {"storefront:visited": VISIT}
