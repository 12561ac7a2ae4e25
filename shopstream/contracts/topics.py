"""Topics and the event types that each carries."""

from dataclasses import dataclass, field

ORDERS = "shop.orders"
INVENTORY = "shop.inventory"
PAYMENTS = "shop.payments"
SUPPLIERS = "shop.suppliers"
PURCHASES = "shop.purchases"
TRAFFIC = "shop.traffic"
SETTINGS = "shop.settings"
ALERTS = "shop.alerts"
NOTICES = "shop.notices"
DEADLETTERS = "shop.deadletters"
PEERS = "shop.peers"
"""What API processes tell each other."""

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as `migrate` makes it.

    `partitions` None means the deployment's number; `config` holds Kafka topic settings.
    `entity` is the member of `data` that names the thing in the record key `shopid/<entity id>`; without
    it shops write `shopid` alone.
    Retention counts from arrival (`message.timestamp.type=LogAppendTime`): an event dated long ago
    must not be deleted as it arrives.
    """

    name: str
    types: tuple[str, ...]
    partitions: int | None = None
    config: dict[str, str] = field(default_factory=dict)
    entity: str | None = None


def _events(name: str, *types: str, entity: str | None = None) -> Topic:
    arrival = {"message.timestamp.type": "LogAppendTime", "retention.ms": str(7 * DAY_MS)}
    return Topic(name, types, config=arrival, entity=entity)


TOPICS: tuple[Topic, ...] = (
    _events(ORDERS, "order:created", "order:updated", entity="orderId"),
    _events(INVENTORY, "inventory:updated", entity="productId"),
    _events(PAYMENTS, "payment:received", "payment:failed", entity="paymentId"),
    _events(SUPPLIERS, "supplier:updated", entity="supplierId"),
    _events(PURCHASES, "purchase:created", "purchase:received", entity="purchaseId"),
    _events(TRAFFIC, "storefront:visited", entity="sessionId"),
    _events(SETTINGS, "shop:updated"),
    _events(ALERTS, "stock:low", "stock:recovered"),
    Topic(NOTICES, ("report:updated",), 1, {"retention.ms": str(DAY_MS)}),
    # a refused record of 512 KiB travels as base64
    Topic(
        DEADLETTERS,
        ("record:refused",),
        1,
        {"retention.ms": str(30 * DAY_MS), "max.message.bytes": str(2 * 1024 * 1024)},
    ),
    # cursors have numbers of topics: a new one comes after the last
    Topic(PEERS, (), 1, {"retention.ms": str(DAY_MS)}),
)

BY_NAME = {topic.name: topic for topic in TOPICS}
INPUTS = (ORDERS, INVENTORY, PAYMENTS, SUPPLIERS, PURCHASES, TRAFFIC, SETTINGS)
"""The topics that shops write."""
TOPIC_OF_TYPE = {kind: topic.name for topic in TOPICS for kind in topic.types}
