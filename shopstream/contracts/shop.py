"""What a shop says of itself: its time zone and currency decide how its reports are cut."""

from shopstream.contracts import order, values
from shopstream.contracts.schema import Field, Shape

SHOP = Shape(
    (
        Field(
            "name",
            values.text,
            "The shop's name for people.",
            required=True,
            example="Cups and More",
        ),
        Field(
            "timezone",
            values.timezone,
            "Decides to which local date an order belongs, past ones too.",
            required=True,
        ),
        Field(
            "currency",
            values.currency,
            "The currency of the reports; no amount is converted.",
            required=True,
        ),
        Field(
            "updatedAt",
            values.time,
            "When the settings became these; the latest ones stand unless it is more than 24 h ahead.",
            required=True,
        ),
        Field(
            "lowStockThreshold",
            values.COUNT,
            "Units at or below which stock is low, where a product's event does not say; 10 without it.",
            example=10,
        ),
        Field(
            "statusMap",
            order.status_map,
            "The shop's own words for the status of an order, with ours.",
            example={"on-hold": "pending"},
        ),
        Field(
            "countedStatuses",
            order.counted_statuses,
            "The statuses whose orders count; without it all but cancelled, failed and refunded.",
            example=["paid", "processing", "shipped", "delivered", "completed"],
        ),
    ),
    about="The settings of a shop as they now stand.",
    latest_by="updatedAt",
)
EVENTS = {"shop:updated": SHOP}
