"""Arrow types of the columns: of the JSON as it comes, and of the rows that are staged."""

import pyarrow as pa

MONEY = pa.decimal128(18, 4)
INSTANT = pa.timestamp("us", "UTC")

_ITEM = pa.struct(
    {
        "productId": pa.string(),
        "quantity": pa.int64(),
        "unitPrice": MONEY,
        "name": pa.string(),
        "refundedQuantity": pa.int64(),
    }
)
_DATA = pa.struct(
    {
        "orderId": pa.string(),
        "status": pa.string(),
        "currency": pa.string(),
        "createdAt": pa.string(),
        "updatedAt": pa.string(),
        "revision": pa.int64(),
        "customerId": pa.string(),
        "total": MONEY,
        "refundedTotal": MONEY,
        "items": pa.list_(_ITEM),
    }
)
JSON = pa.schema(
    {
        "specversion": pa.string(),
        "id": pa.string(),
        "source": pa.string(),
        "type": pa.string(),
        "time": pa.string(),
        "shopid": pa.string(),
        "userid": pa.string(),
        "data": _DATA,
    }
)
"""An order event, as far as it is read."""

ORDERS = pa.schema(
    {
        "shop_id": pa.string(),
        "order_id": pa.string(),
        "event_id": pa.string(),
        "source": pa.string(),
        "created_at": INSTANT,
        "day": pa.date32(),
        "updated_at": INSTANT,
        "revision": pa.uint32(),
        "status": pa.string(),
        "currency": pa.string(),
        "customer_id": pa.string(),
        "total": MONEY,
        "refunded_total": MONEY,
        "item_product_id": pa.list_(pa.string()),
        "item_name": pa.list_(pa.string()),
        "item_quantity": pa.list_(pa.uint32()),
        "item_refunded": pa.list_(pa.uint32()),
        "item_price": pa.list_(MONEY),
    }
)
"""One row an accepted event, in the order of sql/flush/staged.columns, which has `seq` in front."""

HISTORY = pa.schema(
    {
        "shop_id": pa.string(),
        "topic": pa.string(),
        "epoch": pa.uint32(),
        "partition": pa.uint32(),
        "offset": pa.uint64(),
        "arrived": pa.timestamp("ms", "UTC"),
        "type": pa.string(),
        "user_id": pa.string(),
        "key": pa.binary(),
        "raw": pa.binary(),
    }
)
"""One row an accepted event, of table `events`, and the record's key."""
