"""How the events of each topic are stored: the one line of wiring that a new topic needs."""

from dataclasses import dataclass

from shopstream.contracts.topics import (
    INVENTORY,
    ORDERS,
    PAYMENTS,
    PURCHASES,
    SETTINGS,
    SUPPLIERS,
    TRAFFIC,
)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic; its statements are sql/store/<name>.sql and, where it changes reports, sql/changed/<name>.sql.

    `table` holds what is stored, each row with its batch; `key` tells one stored version from the next.
    `window` is the table of the windows that it changes, and the statement in sql/apply that says how. Each of
    `lookups` is a statement in sql/apply too and may be repeated at any time.
    `pace` is the least time in seconds from one batch to the next, unless a full one waits: a flush
    costs much the same for few records.
    """

    name: str
    table: str
    key: str
    window: str = ""
    reports: bool = True
    pace: float = 1.0
    lookups: tuple[str, ...] = ()


TOPIC_SPECS = {
    ORDERS: TopicSpec(
        "orders",
        "orders",
        "shop_key, created_at, order_key, version",
        "order_windows",
        pace=0.25,
        lookups=("order_places", "product_names", "first_orders"),
    ),
    INVENTORY: TopicSpec(
        "inventory",
        "levels",
        "shop_id, product_id, location_id, version",
        pace=0.25,
        lookups=("level_names",),
    ),
    PAYMENTS: TopicSpec("payments", "payments", "shop_key, payment_key, version", "payments_15m"),
    SUPPLIERS: TopicSpec("suppliers", "suppliers", "shop_id, supplier_id", reports=False),
    PURCHASES: TopicSpec(
        "purchases", "purchases", "shop_key, purchase_key, received, age", "on_order", reports=False
    ),
    TRAFFIC: TopicSpec("traffic", "visits", "shop_key, session_key, slots", "sessions_15m"),
    SETTINGS: TopicSpec("settings", "shops", "shop_id, version"),
}
"""By topic: what the pipeline reads."""
