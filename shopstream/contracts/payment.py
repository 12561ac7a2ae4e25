"""A payment, received or failed: the latest `at` decides which."""

from shopstream.contracts import values
from shopstream.contracts.schema import Field, Shape

RECEIVED = Shape(
    (
        Field(
            "paymentId",
            values.identifier,
            required=True,
            about="The payment, unique in its shop.",
        ),
        Field("amount", values.money, required=True, about="What was to be paid, in `currency`."),
        Field("currency", values.currency, required=True, about="The currency of `amount`."),
        Field(
            "at",
            values.time,
            required=True,
            about="When it was received or failed; the latest one stands unless it is more than 24 h ahead.",
        ),
        Field("orderId", values.identifier, about="The order that it pays."),
        Field("method", values.text, about="How it was paid, in the shop's words.", example="card"),
    ),
    about="A payment was received.",
    latest_by="at",
)
FAILED = Shape(
    (
        *RECEIVED.fields,
        Field(
            "reason",
            values.text,
            about="Why it failed, in the words of whoever refused it.",
            example="card declined",
        ),
    ),
    about="A payment failed.",
    latest_by="at",
)
EVENTS = {"payment:received": RECEIVED, "payment:failed": FAILED}
