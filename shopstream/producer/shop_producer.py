"""Shops' events to Kafka: typed, checked, keyed, delivered or reported as failed."""

import atexit
import sys
from collections.abc import Mapping
from typing import Any, Self, Unpack

from shopstream.contracts.envelope import Headers
from shopstream.contracts.routing import Record
from shopstream.producer.building import About, cloudevent
from shopstream.producer.delivery import Sent
from shopstream.producer.errors import NotDelivered
from shopstream.producer.models import (
    Model,
    Order,
    Payment,
    Purchase,
    Shop,
    StockLevel,
    Supplier,
    Visit,
)
from shopstream.producer.plain import encode, plain
from shopstream.producer.record_sender import RecordSender
from shopstream.producer.routing import check, route
from shopstream.settings import Settings, load

PATIENCE = 300.0
OUTSTANDING = 20_000
AFTER_FAULT = 5.0
"""Seconds for what is on its way when the `with` block ends with an exception."""


class ShopProducer(RecordSender):
    """Sends events. Use it as a context manager: its end waits until Kafka has every event, or raises.

    One for the whole process is enough: it is thread-safe. What is left at the end of the interpreter
    is sent then; what Kafka has not taken is reported on standard error.

    Args:
        kafka: host:port (several with commas), settings, or None for the environment; security settings
            come from the environment where they are not given.
        source: the attribute `source` of events that are built here.
        patience: seconds that an event may wait for a broker that is away, at least 1.
        outstanding: events that may wait for their acknowledgement; more make `send` wait.

    Raises:
        BrokerUnreachable: no broker answers now.
        SettingsError: the settings are not usable.
    """

    def __init__(
        self,
        kafka: str | Settings | None = None,
        *,
        source: str = "/checkout",
        patience: float = PATIENCE,
        outstanding: int = OUTSTANDING,
    ) -> None:
        if patience < 1 or outstanding < 1:
            raise ValueError("patience and outstanding must be at least 1")
        self._source = source
        super().__init__(_settings(kafka), patience, outstanding)
        # after the client's own, so that it runs before it
        atexit.register(self._at_exit)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.close()
            return
        try:
            self.close(AFTER_FAULT)
        except NotDelivered as left:
            error.add_note(str(left))

    def order_created(self, shop_id: str, order: Order, **about: Unpack[About]) -> Sent:
        """`order:created`. Raises as `send`, and so do all that follow."""
        return self._send_model("order:created", shop_id, order, about)

    def order_updated(self, shop_id: str, order: Order, **about: Unpack[About]) -> Sent:
        """`order:updated`: the whole order, with a later `updated_at` or a greater `revision`."""
        return self._send_model("order:updated", shop_id, order, about)

    def inventory_updated(self, shop_id: str, level: StockLevel, **about: Unpack[About]) -> Sent:
        return self._send_model("inventory:updated", shop_id, level, about)

    def payment_received(self, shop_id: str, payment: Payment, **about: Unpack[About]) -> Sent:
        return self._send_model("payment:received", shop_id, payment, about)

    def payment_failed(self, shop_id: str, payment: Payment, **about: Unpack[About]) -> Sent:
        return self._send_model("payment:failed", shop_id, payment, about)

    def supplier_updated(self, shop_id: str, supplier: Supplier, **about: Unpack[About]) -> Sent:
        return self._send_model("supplier:updated", shop_id, supplier, about)

    def purchase_created(self, shop_id: str, purchase: Purchase, **about: Unpack[About]) -> Sent:
        return self._send_model("purchase:created", shop_id, purchase, about)

    def purchase_received(self, shop_id: str, purchase: Purchase, **about: Unpack[About]) -> Sent:
        return self._send_model("purchase:received", shop_id, purchase, about)

    def storefront_visited(self, shop_id: str, visit: Visit, **about: Unpack[About]) -> Sent:
        return self._send_model("storefront:visited", shop_id, visit, about)

    def shop_updated(self, shop_id: str, shop: Shop, **about: Unpack[About]) -> Sent:
        return self._send_model("shop:updated", shop_id, shop, about)

    def send(self, event: Mapping[str, Any] | bytes, *, checked: bool = True) -> Sent:
        """Sends a ready CloudEvent to the topic of its type; bytes go as they are.

        Without `checked` whatever has a type that shops send goes, and the pipeline refuses it if it
        breaks a rule.

        Raises:
            InvalidEvent: it breaks a rule, with the field and the rule; nothing was sent.
            NoSuchTopic: the broker does not have its topic.
            NotDelivered: it could not be queued within `patience` seconds.
        """
        return self._send(event if isinstance(event, bytes) else encode(plain(event)), checked)

    def send_record(
        self, topic: str, value: bytes, key: bytes | None = None, headers: Headers = ()
    ) -> Sent:
        """Sends any bytes to any topic, unchecked.

        Raises:
            NoSuchTopic, NotDelivered: as `send`.
        """
        return self._send_bytes(Record(topic, key, value, tuple(headers)))

    def close(self, timeout: float | None = None) -> None:
        """Flushes and ends; after `timeout` seconds the rest is given up.

        Raises:
            NotDelivered: as `flush`.
        """
        atexit.unregister(self._at_exit)
        super().close(timeout)

    def _send_model(self, kind: str, shop_id: str, model: Model, about: About) -> Sent:
        return self._send(encode(cloudevent(kind, self._source, shop_id, model, about)), True)

    def _send(self, event: bytes, checked: bool) -> Sent:
        record = route(event)
        if checked:
            check(record)
        return self._send_bytes(record)

    def _at_exit(self) -> None:
        try:
            super().close()
        except NotDelivered as left:
            sys.stderr.write(f"{left}\n")


def _settings(kafka: str | Settings | None) -> Settings:
    if isinstance(kafka, Settings):
        return kafka
    return load() if kafka is None else load(kafka_bootstrap=kafka)
