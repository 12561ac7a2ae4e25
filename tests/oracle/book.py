"""Everything that shops ever sent, as it now stands, from the records in the order of their arrival."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from oracle.levels import Crossing, Key, Level, Levels
from oracle.orders import Orders, Version
from oracle.payments import Payment, Payments
from oracle.purchases import Purchases
from oracle.reading import Event, parse
from oracle.settings import Settings, Shops, Supplier, Suppliers
from oracle.visits import Visits
from support.events import Refusal, Sent


class Book:
    """Give it every record that was ever sent, also those sent again.

    What a shop's own word for a status means is decided as an order arrives, and the crossings of a level in the order
    of arrival: what one thing's records are must be told in the order in which they lie in their partition, and a
    shop's threshold and words where they are known to have arrived.
    """

    def __init__(self) -> None:
        self.records = 0
        self._orders = Orders()
        self._levels = Levels()
        self._payments = Payments()
        self.purchases = Purchases()
        self._suppliers = Suppliers()
        self._visits = Visits()
        self._shops = Shops()
        self._takers: dict[str, Callable[[Event], None]] = {
            "order": self._take_order,
            "inventory": self._take_level,
            "payment": self._payments.take,
            "purchase": self.purchases.take,
            "supplier": self._suppliers.take,
            "storefront": self._visits.take,
            "shop": self._shops.take,
        }

    def take(self, sent: Sent) -> Refusal | None:
        """One record arrives; why it is refused, or None. One without a value says nothing."""
        self.records += 1
        if sent.refusal is not None or sent.value is None:
            return sent.refusal
        event = parse(sent.event or sent.value)
        self._takers[event["type"].partition(":")[0]](event)
        return None

    def take_all(self, records: Iterable[Sent]) -> list[Refusal | None]:
        return [self.take(sent) for sent in records]

    def _take_order(self, event: Event) -> None:
        words = self._shops.words(event["shopid"])
        data = event["data"]
        status = words.get(data["status"], data["status"])
        self._orders.take({**event, "data": {**data, "status": status}})

    def _take_level(self, event: Event) -> None:
        self._levels.take(event, self._shops.threshold(event["shopid"]))

    @property
    def orders(self) -> dict[tuple[str, str], Version]:
        """Each as its shop counts now."""
        counted = {shop: told.counted for shop, told in self._shops.latest.items()}
        return {
            key: replace(v, statuses=counted.get(v.shop)) if counted.get(v.shop) else v
            for key, v in self._orders.latest.items()
        }

    @property
    def levels(self) -> dict[Key, Level]:
        return self._levels.latest

    @property
    def crossings(self) -> list[Crossing]:
        return self._levels.crossings

    @property
    def payments(self) -> dict[tuple[str, str], Payment]:
        return self._payments.latest

    @property
    def suppliers(self) -> dict[tuple[str, str], Supplier]:
        return self._suppliers.latest

    @property
    def settings(self) -> dict[str, Settings]:
        return self._shops.latest

    @property
    def visits(self) -> Visits:
        return self._visits

    @property
    def shops(self) -> list[str]:
        """Those with orders."""
        return sorted({shop for shop, _ in self.orders})
