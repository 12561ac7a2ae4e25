"""The alerts that were published, beside those that there must be."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from oracle.book import Book
from oracle.difference import listed
from oracle.levels import Crossing
from oracle.reading import instant

FIGURES = {"name", "onOrder", "dailySales", "daysOfCover"}
"""They depend on the moment."""
SAID = {"productId", "locationId", "sku", "quantity", "threshold"}


def compare_alerts(events: Iterable[Mapping[str, Any]], book: Book) -> list[str]:
    """Each crossing is told once, whatever its id, and nothing else is."""
    events = list(events)
    told = Counter(crossing(event) for event in events)
    wanted = Counter(book.crossings)
    lines = [f"alert {c}: missing {count} times" for c, count in (wanted - told).items()]
    lines += [f"alert {c}: {count} too many" for c, count in (told - wanted).items()]
    for event in events:
        if (members := set(event["data"])) != SAID | FIGURES:
            lines.append(f"alert {event['id']}: has {sorted(members)}")
    return listed(lines)


def crossing(event: Mapping[str, Any]) -> Crossing:
    """What an alert tells of."""
    data = event["data"]
    return Crossing(
        event["shopid"],
        data["productId"],
        data["locationId"],
        {"stock:low": True, "stock:recovered": False}[event["type"]],
        Decimal(str(data["quantity"])),
        data["threshold"],
        data["sku"],
        instant(event["time"]),
    )
