"""Every payment as it now stands."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from oracle.reading import Event, Place, instant, money, place


@dataclass(frozen=True)
class Payment:
    """`received`, or else failed; only a failed one has a `reason`."""

    shop: str
    payment_id: str
    place: Place
    received: bool
    amount: Decimal
    currency: str
    at: datetime
    order_id: str | None
    method: str | None
    reason: str | None


class Payments:
    """`latest` by (shop, payment id): the latest `at` decides, then the tie."""

    def __init__(self) -> None:
        self.latest: dict[tuple[str, str], Payment] = {}

    def take(self, event: Event) -> None:
        payment = read(event)
        key = (payment.shop, payment.payment_id)
        before = self.latest.get(key)
        if before is None or payment.place > before.place:
            self.latest[key] = payment


def read(event: Event) -> Payment:
    data = event["data"]
    received = event["type"] == "payment:received"
    return Payment(
        event["shopid"],
        data["paymentId"],
        place(event, "at"),
        received,
        money(data["amount"]),
        data["currency"],
        instant(data["at"]),
        data.get("orderId"),
        data.get("method"),
        None if received else data.get("reason"),
    )
