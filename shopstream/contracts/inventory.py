"""The level of a product at a location, or in the shop as a whole."""

from shopstream.contracts import values
from shopstream.contracts.schema import Field, Shape

DEFAULT_THRESHOLD = 10
"""Units at or below which stock is low, where neither the event nor the shop says otherwise."""

LEVEL = Shape(
    (
        Field("productId", values.identifier, "The product.", required=True),
        Field(
            "quantity",
            values.LEVEL,
            "Units on hand; negative where more were promised than there are.",
            required=True,
            example=8,
        ),
        Field(
            "updatedAt",
            values.time,
            "When the level became this; the latest one stands unless it is more than 24 h ahead.",
            required=True,
        ),
        Field("name", values.text, "The product's name for people.", example="Blue cup"),
        Field("sku", values.text, "The shop's own article number.", example="CUP-BLUE"),
        Field(
            "locationId", values.identifier, "Where the units lie; absent for the shop as a whole."
        ),
        Field(
            "lowStockThreshold",
            values.COUNT,
            "Units at or below which stock is low; absent for the shop's threshold, or 10.",
            example=10,
        ),
        Field("unit", values.text, "What the quantity counts.", example="kg"),
    ),
    about="The level of a product at a location, or in the shop as a whole, as it now stands.",
    latest_by="updatedAt",
)
EVENTS = {"inventory:updated": LEVEL}
