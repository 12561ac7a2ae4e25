"""A visit to the storefront; those of one session count once a local day."""

from shopstream.contracts import values
from shopstream.contracts.schema import Field, Shape

VISIT = Shape(
    (
        Field(
            "sessionId",
            values.identifier,
            required=True,
            about="The visitor's session; it counts once a local day.",
        ),
        Field("at", values.time, required=True, about="When the visit was."),
        Field("customerId", values.identifier, about="Who it was, where the shop knows."),
    ),
    about="A visit to the storefront.",
)
EVENTS = {"storefront:visited": VISIT}
