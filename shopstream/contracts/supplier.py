"""A supplier as it now stands."""

from shopstream.contracts import values
from shopstream.contracts.schema import Field, Shape

SUPPLIER = Shape(
    (
        Field("supplierId", values.identifier, "The supplier, unique in its shop.", required=True),
        Field(
            "name",
            values.text,
            "The supplier's name for people.",
            required=True,
            example="Potters United",
        ),
        Field(
            "updatedAt",
            values.time,
            "When the supplier became this; the latest one stands unless it is more than 24 h ahead.",
            required=True,
        ),
        Field("leadTimeDays", values.COUNT, "Days from a purchase to its delivery.", example=7),
        Field(
            "email",
            values.text,
            "Where purchases are sent; not checked.",
            example="sales@potters.example",
        ),
    ),
    about="A supplier as it now stands.",
    latest_by="updatedAt",
)
EVENTS = {"supplier:updated": SUPPLIER}
