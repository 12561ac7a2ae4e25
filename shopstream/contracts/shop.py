"""What a shop says of itself: its time zone and currency decide how its reports are cut."""

from shopstream.contracts import order, values
from shopstream.contracts.schema import Field, Shape

SHOP = Shape(
    (
        Field(
            "name",
            values.text,
            required=True,
            about="The shop's name for people.",
            example="Cups and More",
        ),
        Field(
            "timezone",
            values.timezone,
            required=True,
            about="Decides to which local date an order belongs, past ones too.",
        ),
        Field(
            "currency",
            values.currency,
            required=True,
            about="The currency of the reports; no amount is converted.",
        ),
        Field(
            "updatedAt",
            values.time,
            required=True,
            about="When the settings became these; the latest ones stand unless it is more than 24 h ahead.",
        ),
        Field(
            "lowStockThreshold",
            values.COUNT,
            about="Units at or below which stock is low, where a product's event does not say; 10 without it.",
            example=10,
        ),
        Field(
            "statusMap",
            order.status_map,
            about="The shop's own words for the status of an order, with ours.",
            example={"on-hold": "pending"},
        ),
        Field(
            "countedStatuses",
            order.counted_statuses,
            about="The statuses whose orders count; without it all but cancelled, failed and refunded.",
            example=["paid", "processing", "shipped", "delivered", "completed"],
        ),
    ),
    about="The settings of a shop as they now stand.",
    latest_by="updatedAt",
)
EVENTS = {"shop:updated": SHOP}
