"""The windows: what each is keyed by and what it adds up."""

from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from clickhouse.sql import fill, load

DECIMAL = ("items", "quantity", "revenue", "received_amount", "failed_amount", "units")
_REVISED = ("sales_15m", "returned_15m", "refunds_15m", "parts_15m", "payments_15m")
"""Those with a column beside the sums that says when they last changed."""
ORDER_WINDOWS = "order_windows"
"""The table of all windows of orders."""
GRAINS = (
    *("sales_15m", "product_15m", "product_day", "product_month"),
    *("returned_15m", "refunds_15m", "parts_15m"),
)
"""They, in the order of its enumeration `grain`, which begins at 1."""
_OF_BATCH = "shop_id = '' AND batch = {batch:UInt64}"


class Marker(NamedTuple):
    """A commit marker: the row of a table of windows which says that a batch was applied to it. `found`: whether a row
    is that of a batch; `row`: its values; `spent`: whether a row is the marker of a batch older than `before`."""

    found: str
    row: str
    spent: str = "shop_id = '' AND batch < {before:UInt64}"


_KEYS = {
    "slot": pa.timestamp("s", "UTC"),
    "day": pa.date32(),
    "month": pa.date32(),
    "gap": pa.uint8(),
}
MARKERS = {
    ORDER_WINDOWS: Marker(
        "grain = 'commit_marker' AND product_id = toString({batch:UInt64})",
        "(8, '', toDateTime(0, 'UTC'), '', toString({batch:UInt64}), 1, 0, 0, toDateTime(0, 'UTC'))",
        "grain = 'commit_marker' AND toUInt64OrZero(product_id) < {before:UInt64}",
    ),
    "payments_15m": Marker(
        _OF_BATCH,
        "('', toDateTime(0, 'UTC'), '', 1, 0, 0, 0, toDateTime(0, 'UTC'), {batch:UInt64})",
    ),
    "sessions_15m": Marker(_OF_BATCH, "('', toDateTime(0, 'UTC'), 0, 1, {batch:UInt64})"),
    "on_order": Marker(_OF_BATCH, "('', '', 1, {batch:UInt64})"),
}
"""By table of windows."""
_STORED = {"slot": "start", "day": "start", "month": "start", "items": "quantity"}
"""Columns of windows of orders that have another name in their table."""


@dataclass(frozen=True, slots=True)
class Window:
    """Sums in a SummingMergeTree table. `source` is the table of versions that they are made of. A window of orders is
    the rows of one grain in `order_windows`; each other one is a table."""

    name: str
    source: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]

    @property
    def time(self) -> str | None:
        """The key column that says when; None for what has no time."""
        return next((key for key in self.keys if key in ("slot", "day", "month")), None)

    def arrow(self, column: str) -> pa.DataType:
        if column in self.sums:
            return pa.decimal128(38, 4) if column in DECIMAL else pa.int64()
        return _KEYS.get(column, pa.string())

    @property
    def table(self) -> str:
        return ORDER_WINDOWS if self.name in GRAINS else self.name

    def rows(self) -> str:
        """Its rows without commit markers, with `keys` and `sums` as columns, to select from; rows of one key may be
        several."""
        if self.name in GRAINS:
            return self._of_grain(ORDER_WINDOWS, f"'{self.name}'")
        return f"(SELECT * FROM {self.name} WHERE batch = 0)"

    def columns(self) -> dict[str, str]:
        """What an insert of a row writes: each column of its table, and its value over `keys` and `sums`."""
        of_orders, own = self.name in GRAINS, (*self.keys, *self.sums)
        grain = {"grain": f"'{self.name}'"} if of_orders else {}
        values = {_STORED.get(name, name) if of_orders else name: name for name in own}
        return {**grain, **values, **({"revised": "now()"} if self.name in _REVISED else {})}

    def changes(self) -> str:
        """A statement: what the rows of `{rows}`, a part of `source`, change in it, by key."""
        if self.name in GRAINS:
            select = f"(\n{order_changes()})"
            return f"SELECT * FROM {self._of_grain(select, str(GRAINS.index(self.name) + 1))}"
        return load(f"apply/{self.name}.sql")

    def _of_grain(self, table: str, grain: str) -> str:
        columns = {name: _STORED.get(name, name) for name in (*self.keys, *self.sums)}
        if self.time in ("day", "month"):
            columns[self.time] = "toDate(start)"
        selected = ", ".join(f"{value} AS {name}" for name, value in columns.items())
        return f"(SELECT {selected} FROM {table} WHERE grain = {grain})"


def order_changes(parts: bool = True) -> str:
    """The rows of all windows of orders that the rows of `{rows}` change; without `parts` those that every order may
    have, which are all where no version has refunds with ids or parts of its total."""
    rests = load(f"fragments/{'' if parts else 'plain_'}rests.sql").rstrip()
    more = load("apply/order_parts.sql") if parts else ""
    return fill(load("apply/order_windows.sql"), rests=rests, more=more)


_SALES = ("shop_id", "slot", "currency")
_PRODUCT = ("currency", "product_id")
_PAYMENTS = ("received", "received_amount", "failed", "failed_amount")
WINDOWS = {
    window.name: window
    for window in (
        Window("sales_15m", "orders", _SALES, ("orders", "revenue", "items")),
        Window("product_15m", "orders", ("shop_id", "slot", *_PRODUCT), ("quantity", "revenue")),
        Window("product_day", "orders", ("shop_id", "day", *_PRODUCT), ("quantity", "revenue")),
        Window("product_month", "orders", ("shop_id", "month", *_PRODUCT), ("quantity", "revenue")),
        Window("returned_15m", "orders", _SALES, ("revenue",)),
        Window("refunds_15m", "orders", _SALES, ("orders", "revenue")),
        Window("parts_15m", "orders", ("shop_id", "slot", *_PRODUCT), ("revenue",)),
        Window("payments_15m", "payments", _SALES, _PAYMENTS),
        Window("sessions_15m", "visits", ("shop_id", "slot", "gap"), ("visits",)),
        Window("on_order", "purchases", ("shop_id", "product_id"), ("units",)),
    )
}
TEXTS = {
    "product_names": (("shop_id", "product_id"), ("name",)),
    "first_orders": (("shop_id",), ("currency",)),
    "order_places": (("shop_id", "order_id"), ("created_at",)),
    "orders": (("shop_id", "order_id"), ("counted",)),
}
"""Tables whose texts are compared, those that reports or the pipeline look up and whether an order counts: keys and
columns, in the order of sql/verify."""
