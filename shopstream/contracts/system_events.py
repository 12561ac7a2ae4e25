"""The events that the system writes. Every member of `data` is always there; some may be null."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shopstream.contracts.reject import Reason
from shopstream.contracts.schema_parts import Schema, count, date, decimal, instant, record, text

_ALERT = record(
    "",
    {
        "productId": text("The product."),
        "locationId": text("Where; null for the shop as a whole.", null=True),
        "name": text("The product's name, where one is known.", null=True),
        "sku": text("The shop's own article number, where one is known.", null=True),
        "quantity": decimal("Units on hand; negative where more were promised.", low=None),
        "threshold": count("Units at or below which stock is low."),
        "onOrder": decimal("Units in purchases that were created and not received."),
        "dailySales": decimal(
            "Units a day in counted orders of the last 14 local days, today included; 2 decimals."
        ),
        "daysOfCover": decimal(
            "Days until `quantity` is sold, 1 decimal; 0 for a negative one, null without sales.",
            null=True,
        ),
    },
)
_REPORT = record(
    "",
    {
        "dates": {
            "description": "The local dates whose numbers changed, in order.",
            "type": "array",
            "items": date(""),
            "uniqueItems": True,
        },
        "today": record(
            "The totals of the present local date, in the shop's currency.",
            {
                "date": date("The local date."),
                "totalRevenue": decimal(
                    "Exact, at most 4 decimals; below 0 where refunds exceed totals.", low=None
                ),
                "totalOrders": count("Counted orders."),
                "totalItems": decimal("Units sold, less those that came back.", low=None),
            },
        ),
    },
)
_REFUSED = record(
    "",
    {
        "topic": text("The topic of the record."),
        "partition": count("Its partition."),
        "offset": count("Its offset, or the first of many."),
        "lastOffset": count("Only where the letter is about many records: the offset of the last."),
        "count": count("Only there: how many they are.", low=1),
        "timestamp": count("Kafka's, in milliseconds since 1970.", low=None),
        "key": text(
            "The original bytes; null for none, or above 512 KiB.",
            null=True,
            contentEncoding="base64",
        ),
        "value": text(
            "The original bytes; null for none, with the reason `too_large`, and for many.",
            null=True,
            contentEncoding="base64",
        ),
        "headers": {
            "description": "Only of a record that has some, not with the reason `too_large`: in their order.",
            "type": "array",
            "items": record(
                "",
                {
                    "name": text("Its key."),
                    "value": text("Its bytes, or null.", null=True, contentEncoding="base64"),
                },
            ),
        },
        "size": count(
            "Bytes of the value; of many, of all of them, or of their batch as it was sent."
        ),
        "sha256": text("Of the value, in hex; null for many.", null=True, pattern="^[0-9a-f]{64}$"),
        "reason": text("The first that applies.", enum=[reason.value for reason in Reason]),
        "field": text("A path such as `data.items[2].quantity`, or null.", null=True),
        "message": text("A sentence for people."),
    },
    optional=("lastOffset", "count", "headers"),
)


@dataclass(frozen=True, slots=True)
class SystemEvent:
    """One type: what it tells, its `data` as a schema and as an example; `of_shop` where it names one."""

    about: str
    data: Schema
    example: dict[str, Any]
    of_shop: bool = True

    def schema(self, kind: str) -> Schema:
        """Of the whole event."""
        properties = {
            "specversion": {"const": "1.0"},
            "type": {"const": kind},
            "id": text("The same text where the same thing is told again.", minLength=1),
            "source": text("Which part of the system says it.", minLength=1),
            "time": instant("When it happened."),
            "shopid": text("The shop whose event it is.", minLength=1),
            "data": self.data,
        }
        if self.of_shop:
            return record(self.about, properties)
        del properties["shopid"]
        return record(self.about, properties, optional=("time",))


_LOW = {
    "productId": "product-1",
    "locationId": None,
    "name": "Blue cup",
    "sku": "CUP-BLUE",
    "quantity": 8,
    "threshold": 10,
    "onOrder": 24,
    "dailySales": 2.57,
    "daysOfCover": 3.1,
}
SYSTEM: Mapping[str, SystemEvent] = {
    "stock:low": SystemEvent("A level went to or below its threshold.", _ALERT, _LOW),
    "stock:recovered": SystemEvent(
        "A level that was low is above its threshold again.",
        _ALERT,
        {**_LOW, "quantity": 32, "onOrder": 0, "daysOfCover": 12.4},
    ),
    "report:updated": SystemEvent(
        "The numbers of a shop changed; at most once a second for a shop.",
        _REPORT,
        {
            "dates": ["2026-11-21", "2026-11-22"],
            "today": {
                "date": "2026-11-22",
                "totalRevenue": 1234.5,
                "totalOrders": 56,
                "totalItems": 78,
            },
        },
    ),
    "record:refused": SystemEvent(
        "A record broke a rule and is in no number.",
        _REFUSED,
        {
            "topic": "shop.orders",
            "partition": 3,
            "offset": 41,
            "timestamp": 1795342530123,
            "key": "c2hvcC0xL29yZGVyLTE=",
            "value": "e30=",
            "size": 2,
            "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "reason": "not_cloudevent",
            "field": "specversion",
            "message": 'specversion must be "1.0"',
        },
        of_shop=False,
    ),
}
"""By type."""
