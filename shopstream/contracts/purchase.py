"""A purchase from a supplier: created once, closed once it is received."""

from shopstream.contracts import values
from shopstream.contracts.order import MAX_ITEMS
from shopstream.contracts.schema import Field, Many, Shape

ITEM = Shape(
    (
        Field("productId", values.identifier, "The product.", required=True),
        Field("quantity", values.QUANTITY, "Units that are bought.", required=True, example=24),
        Field("unitCost", values.money, "What one unit costs the shop.", required=True),
    ),
    about="One line of a purchase.",
)
PURCHASE = Shape(
    (
        Field("purchaseId", values.identifier, "The purchase, unique in its shop.", required=True),
        Field("supplierId", values.identifier, "Who delivers it.", required=True),
        Field("items", Many(ITEM, 1, MAX_ITEMS), "The lines.", required=True),
        Field("at", values.time, "When it was created or received.", required=True),
        Field("expectedAt", values.time, "When the goods are expected."),
    ),
    about="A purchase from a supplier: created once, closed by the first that was received.",
)
EVENTS = {"purchase:created": PURCHASE, "purchase:received": PURCHASE}
