"""The data of shops' events, typed. Field names are those of the contract in snake case.

Money and quantities are `Decimal`, `int` or text such as "12.50", never `float`. Times have a time zone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

Money = Decimal | int | str
Quantity = Decimal | int | str


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order."""

    product_id: str
    quantity: Quantity
    unit_price: Money
    name: str | None = None
    refunded_quantity: Quantity | None = None
    kind: str | None = None
    total: Money | None = None
    refunded_total: Money | None = None
    discount: Money | None = None
    tax: Money | None = None
    unit: str | None = None
    variant_id: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """What was paid back at one time; `id` is unique in its order."""

    id: str
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """The whole order as it now stands. Without `total` it is the sum of its lines."""

    order_id: str
    status: str
    currency: str
    created_at: datetime
    updated_at: datetime
    items: Sequence[Item]
    revision: int | None = None
    customer_id: str | None = None
    total: Money | None = None
    refunded_total: Money | None = None
    refunds: Sequence[Refund] | None = None
    tax_total: Money | None = None
    shipping_total: Money | None = None
    discount_total: Money | None = None
    tip_total: Money | None = None
    placed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StockLevel:
    """Units on hand of a product, at a location or in the shop as a whole."""

    product_id: str
    quantity: Quantity
    updated_at: datetime
    name: str | None = None
    sku: str | None = None
    location_id: str | None = None
    low_stock_threshold: int | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment; `reason`: why it failed."""

    payment_id: str
    amount: Money
    currency: str
    at: datetime
    order_id: str | None = None
    method: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier as it now stands."""

    supplier_id: str
    name: str
    updated_at: datetime
    lead_time_days: int | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class PurchaseItem:
    """One line of a purchase."""

    product_id: str
    quantity: Quantity
    unit_cost: Money


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase from a supplier."""

    purchase_id: str
    supplier_id: str
    items: Sequence[PurchaseItem]
    at: datetime
    expected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to the storefront."""

    session_id: str
    at: datetime
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Shop:
    """The settings of a shop."""

    name: str
    timezone: str
    currency: str
    updated_at: datetime
    low_stock_threshold: int | None = None
    status_map: Mapping[str, str] | None = None
    counted_statuses: Sequence[str] | None = None


Model = Order | StockLevel | Payment | Supplier | Purchase | Visit | Shop
