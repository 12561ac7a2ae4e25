"""The windows: what each is keyed by and what it adds up."""

from dataclasses import dataclass

import pyarrow as pa

from clickhouse.sql import load, names

DECIMAL = ("revenue", "received_amount", "failed_amount")
_KEYS = {
    "slot": pa.timestamp("s", "UTC"),
    "day": pa.date32(),
    "month": pa.date32(),
    "gap": pa.uint8(),
}


@dataclass(frozen=True, slots=True)
class Window:
    """A SummingMergeTree table. `source` is the table of versions that it is made of; `time` its key column
    that says when, or None for what has no time."""

    name: str
    source: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    time: str | None

    def arrow(self, column: str) -> pa.DataType:
        """The type of a column."""
        if column in self.sums:
            return pa.decimal128(38, 4) if column in DECIMAL else pa.int64()
        return _KEYS.get(column, pa.string())

    def changes(self) -> str:
        """The statement of its view: what some rows of `apply_<source>` change in it."""
        (path,) = [path for path in names("windows") if path.endswith(f"_to_{self.name}.sql")]
        return load(path).split(" AS\n", 1)[1]


WINDOWS = {
    window.name: window
    for window in (
        Window(
            "sales_15m",
            "orders",
            ("shop_id", "slot", "currency"),
            ("orders", "revenue", "items"),
            "slot",
        ),
        Window(
            "product_15m",
            "orders",
            ("shop_id", "slot", "currency", "product_id"),
            ("quantity", "revenue"),
            "slot",
        ),
        Window(
            "product_day",
            "orders",
            ("shop_id", "day", "currency", "product_id"),
            ("quantity", "revenue"),
            "day",
        ),
        Window(
            "product_month",
            "orders",
            ("shop_id", "month", "currency", "product_id"),
            ("quantity", "revenue"),
            "month",
        ),
        Window(
            "payments_15m",
            "payments",
            ("shop_id", "slot", "currency"),
            ("received", "received_amount", "failed", "failed_amount"),
            "slot",
        ),
        Window("sessions_15m", "visits", ("shop_id", "slot", "gap"), ("visits",), "slot"),
        Window("on_order", "purchases", ("shop_id", "product_id"), ("units",), None),
    )
}
TEXTS = {
    "product_names": (("shop_id", "product_id"), ("name",)),
    "first_orders": (("shop_id",), ("currency",)),
    "order_places": (("shop_id", "order_id"), ("created_at",)),
}
"""Tables of texts that reports or the pipeline look up: keys and columns, in the order of sql/verify."""
