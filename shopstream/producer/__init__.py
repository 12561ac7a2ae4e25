"""A producer for shops written in Python; see docs/producing.md."""

from shopstream.broker import BrokerUnreachable
from shopstream.producer.delivery import Place, Sent
from shopstream.producer.errors import InvalidEvent, NoSuchTopic, NotDelivered, ProducerError
from shopstream.producer.models import (
    Item,
    Money,
    Order,
    Payment,
    Purchase,
    PurchaseItem,
    Quantity,
    Refund,
    Shop,
    StockLevel,
    Supplier,
    Visit,
)
from shopstream.producer.shop_producer import ShopProducer

__all__ = [
    "BrokerUnreachable",
    "InvalidEvent",
    "Item",
    "Money",
    "NoSuchTopic",
    "NotDelivered",
    "Order",
    "Payment",
    "Place",
    "ProducerError",
    "Purchase",
    "PurchaseItem",
    "Quantity",
    "Refund",
    "Sent",
    "Shop",
    "ShopProducer",
    "StockLevel",
    "Supplier",
    "Visit",
]
