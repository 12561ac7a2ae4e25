"""What shops say of themselves and of their suppliers, as it now stands."""

from dataclasses import dataclass
from datetime import datetime

from oracle.reading import Event, Place, instant, place


@dataclass(frozen=True)
class Settings:
    shop: str
    place: Place
    name: str
    timezone: str
    currency: str
    threshold: int | None
    updated: datetime


@dataclass(frozen=True)
class Supplier:
    shop: str
    supplier_id: str
    place: Place
    name: str
    lead_time_days: int | None
    email: str | None
    updated: datetime


class Shops:
    """`latest` by shop."""

    def __init__(self) -> None:
        self.latest: dict[str, Settings] = {}

    def take(self, event: Event) -> None:
        data = event["data"]
        told = Settings(
            event["shopid"],
            place(event, "updatedAt"),
            data["name"],
            data["timezone"],
            data["currency"],
            data.get("lowStockThreshold"),
            instant(data["updatedAt"]),
        )
        before = self.latest.get(told.shop)
        if before is None or told.place > before.place:
            self.latest[told.shop] = told

    def threshold(self, shop: str) -> int | None:
        """What the shop says now."""
        told = self.latest.get(shop)
        return None if told is None else told.threshold


class Suppliers:
    """`latest` by (shop, supplier id)."""

    def __init__(self) -> None:
        self.latest: dict[tuple[str, str], Supplier] = {}

    def take(self, event: Event) -> None:
        data = event["data"]
        told = Supplier(
            event["shopid"],
            data["supplierId"],
            place(event, "updatedAt"),
            data["name"],
            data.get("leadTimeDays"),
            data.get("email"),
            instant(data["updatedAt"]),
        )
        key = (told.shop, told.supplier_id)
        before = self.latest.get(key)
        if before is None or told.place > before.place:
            self.latest[key] = told
