"""A purchase from a supplier: created once, closed once it is received."""

from shopstream.contracts import values
from shopstream.contracts.order import MAX_ITEMS
from shopstream.contracts.schema import Field, Many, Shape

ITEM = Shape(
    (
        Field("productId", values.identifier, required=True, about="The product."),
        Field(
            "quantity", values.QUANTITY, required=True, about="Units that are bought.", example=24
        ),
        Field("unitCost", values.money, required=True, about="What one unit costs the shop."),
    ),
    about="One line of a purchase.",
)
PURCHASE = Shape(
    (
        Field(
            "purchaseId",
            values.identifier,
            required=True,
            about="The purchase, unique in its shop.",
        ),
        Field("supplierId", values.identifier, required=True, about="Who delivers it."),
        Field("items", Many(ITEM, 1, MAX_ITEMS), required=True, about="The lines."),
        Field("at", values.time, required=True, about="When it was created or received."),
        Field("expectedAt", values.time, about="When the goods are expected."),
    ),
    about="A purchase from a supplier: created once, closed by the first that was received.",
)
EVENTS = {"purchase:created": PURCHASE, "purchase:received": PURCHASE}
