"""The views of database `shopstream_bi` as they are promised: columns in their order, with their types."""

_TEXT, _CODE, _MAYBE = "String", "LowCardinality(String)", "Nullable(String)"
_MONEY, _TIME = "Decimal(38, 4)", "DateTime64(6, 'UTC')"
_MAYBE_TIME, _COUNT = f"Nullable({_TIME})", "Int64"
_MAYBE_MONEY = f"Nullable({_MONEY})"
_SHOP = {"shop_id": _CODE}

VIEWS: dict[str, dict[str, str]] = {
    "orders": _SHOP
    | {
        "order_id": _TEXT,
        "status": _CODE,
        "counted": "Bool",
        "currency": _CODE,
        "created_at": _TIME,
        "updated_at": _TIME,
        "local_date": "Date",
        "customer_id": _MAYBE,
        "total": _MONEY,
        "refund": _MONEY,
        "revenue": _MONEY,
        "items": _MONEY,
        "gross": _MONEY,
        **dict.fromkeys(
            ("tax_total", "shipping_total", "discount_total", "tip_total"), _MAYBE_MONEY
        ),
        "placed_at": _TIME,
    },
    "order_items": _SHOP
    | {
        "order_id": _TEXT,
        "line": "UInt16",
        "product_id": _TEXT,
        "name": _MAYBE,
        "quantity": _MONEY,
        "refunded_quantity": _MONEY,
        "unit_price": _MONEY,
        "revenue": _MONEY,
        "counted": "Bool",
        "currency": _CODE,
        "created_at": _TIME,
        "local_date": "Date",
        "kind": _CODE,
        "amount": _MONEY,
        **dict.fromkeys(("refunded_total", "discount", "tax"), _MAYBE_MONEY),
        **dict.fromkeys(("unit", "variant_id", "category"), _MAYBE),
        "placed_at": _TIME,
    },
    "daily_sales": _SHOP
    | {
        "local_date": "Date",
        "currency": _CODE,
        "revenue": _MONEY,
        "orders": _COUNT,
        "items": _MONEY,
        "gross": _MONEY,
        "refunds": _COUNT,
        **dict.fromkeys(("refunded", "tax", "shipping", "discount", "tip"), _MONEY),
    },
    "daily_product_sales": _SHOP
    | {
        "local_date": "Date",
        "currency": _CODE,
        "product_id": _TEXT,
        "name": _MAYBE,
        "quantity": _MONEY,
        "revenue": _MONEY,
    },
    "stock": _SHOP
    | {
        "product_id": _TEXT,
        "location_id": _MAYBE,
        "name": _MAYBE,
        "sku": _MAYBE,
        "quantity": _MONEY,
        "threshold": "UInt32",
        "low": "Bool",
        "updated_at": _TIME,
        "unit": _MAYBE,
    },
    "payments": _SHOP
    | {
        "payment_id": _TEXT,
        "order_id": _MAYBE,
        "status": _CODE,
        "amount": _MONEY,
        "currency": _CODE,
        "method": _MAYBE,
        "reason": _MAYBE,
        "at": _TIME,
    },
    "purchases": _SHOP
    | {
        "purchase_id": _TEXT,
        "supplier_id": _TEXT,
        "received": "Bool",
        "created_at": _TIME,
        "received_at": _MAYBE_TIME,
        "expected_at": _MAYBE_TIME,
        "units": _MONEY,
        "cost": _MONEY,
    },
    "suppliers": _SHOP
    | {
        "supplier_id": _TEXT,
        "name": _TEXT,
        "lead_time_days": "Nullable(UInt32)",
        "email": _MAYBE,
        "updated_at": _TIME,
    },
    "shops": _SHOP
    | {
        "name": _TEXT,
        "timezone": _CODE,
        "currency": _CODE,
        "low_stock_threshold": "Nullable(UInt32)",
        "updated_at": _TIME,
        "status_map": _MAYBE,
        "counted_statuses": _MAYBE,
    },
    "alerts": _SHOP
    | {
        "id": _TEXT,
        "type": _CODE,
        "product_id": _TEXT,
        "location_id": _MAYBE,
        "quantity": _MONEY,
        "threshold": "UInt32",
        "at": _TIME,
    },
}
