"""A supplier as it now stands."""

from shopstream.contracts import values
from shopstream.contracts.schema import Field, Shape

SUPPLIER = Shape(
    (
        Field(
            "supplierId",
            values.identifier,
            required=True,
            about="The supplier, unique in its shop.",
        ),
        Field(
            "name",
            values.text,
            required=True,
            about="The supplier's name for people.",
            example="Potters United",
        ),
        Field(
            "updatedAt",
            values.time,
            required=True,
            about="When the supplier became this; the latest one stands unless it is more than 24 h ahead.",
        ),
        Field(
            "leadTimeDays", values.COUNT, about="Days from a purchase to its delivery.", example=7
        ),
        Field(
            "email",
            values.text,
            about="Where purchases are sent; not checked.",
            example="sales@potters.example",
        ),
    ),
    about="A supplier as it now stands.",
    latest_by="updatedAt",
)
EVENTS = {"supplier:updated": SUPPLIER}
