"""What shops say of themselves and of their suppliers, as it now stands."""

from dataclasses import dataclass, field
from datetime import datetime

from oracle.days import settled_zone
from oracle.reading import Event, Latest, Place, instant


@dataclass(frozen=True)
class Settings:
    shop: str
    place: Place
    name: str
    timezone: str
    currency: str
    threshold: int | None
    updated: datetime
    words: dict[str, str] = field(default_factory=dict)
    counted: frozenset[str] | None = None


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
        self._versions = Latest()

    def take(self, event: Event) -> None:
        data = event["data"]
        place = self._versions.take(event["shopid"], event, "updatedAt")
        if place is None:
            return
        self.latest[event["shopid"]] = Settings(
            event["shopid"],
            place,
            data["name"],
            settled_zone(data["timezone"]),
            data["currency"],
            data.get("lowStockThreshold"),
            instant(data["updatedAt"]),
            data.get("statusMap") or {},
            frozenset(data["countedStatuses"]) if data.get("countedStatuses") else None,
        )

    def words(self, shop: str) -> dict[str, str]:
        """What its own words for statuses mean now."""
        told = self.latest.get(shop)
        return {} if told is None else told.words

    def threshold(self, shop: str) -> int | None:
        """What the shop says now."""
        told = self.latest.get(shop)
        return None if told is None else told.threshold


class Suppliers:
    """`latest` by (shop, supplier id)."""

    def __init__(self) -> None:
        self.latest: dict[tuple[str, str], Supplier] = {}
        self._versions = Latest()

    def take(self, event: Event) -> None:
        data = event["data"]
        key = event["shopid"], data["supplierId"]
        place = self._versions.take(key, event, "updatedAt")
        if place is None:
            return
        self.latest[key] = Supplier(
            *key,
            place,
            data["name"],
            data.get("leadTimeDays"),
            data.get("email"),
            instant(data["updatedAt"]),
        )
