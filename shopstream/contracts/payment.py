"""A payment, received or failed: the latest `at` decides which."""

from shopstream.contracts import values
from shopstream.contracts.schema import Field, Shape

RECEIVED = Shape(
    (
        Field("paymentId", values.identifier, "The payment, unique in its shop.", required=True),
        Field("amount", values.money, "What was to be paid, in `currency`.", required=True),
        Field("currency", values.currency, "The currency of `amount`.", required=True),
        Field(
            "at",
            values.time,
            "When it was received or failed; the latest one stands unless it is more than 24 h ahead.",
            required=True,
        ),
        Field("orderId", values.identifier, "The order that it pays."),
        Field("method", values.text, "How it was paid, in the shop's words.", example="card"),
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
            "Why it failed, in the words of whoever refused it.",
            example="card declined",
        ),
    ),
    about="A payment failed.",
    latest_by="at",
)
EVENTS = {"payment:received": RECEIVED, "payment:failed": FAILED}
