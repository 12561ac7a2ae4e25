"""Every payment as it now stands."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from oracle.reading import Event, Latest, Place, instant, money


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
    """`latest` by (shop, payment id): the latest `at` decides, then arrival."""

    def __init__(self) -> None:
        self.latest: dict[tuple[str, str], Payment] = {}
        self._versions = Latest()

    def take(self, event: Event) -> None:
        key = event["shopid"], event["data"]["paymentId"]
        place = self._versions.take(key, event, "at")
        if place is not None:
            self.latest[key] = read(event, place)


def read(event: Event, place: Place) -> Payment:
    data = event["data"]
    received = event["type"] == "payment:received"
    return Payment(
        event["shopid"],
        data["paymentId"],
        place,
        received,
        money(data["amount"]),
        data["currency"],
        instant(data["at"]),
        data.get("orderId"),
        data.get("method"),
        None if received else data.get("reason"),
    )
