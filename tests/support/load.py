"""Events by the thousand, the same for the same seed."""

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from support.events import Sent, item, order, record
from support.spoiled import moved, spoiled
from support.things import CURRENCIES, MAKERS, WORDS, Event, instant, opening, settings_of

STATUSES = (
    "pending",
    "paid",
    "shipped",
    "delivered",
    "completed",
    "cancelled",
    "refunded",
    "failed",
)
PRODUCTS = 40
START = datetime(2026, 9, 1)


def versions(seed: int, orders: int, shops: int = 5, prefix: str = "load") -> list[Sent]:
    """One to four versions of each order, in the order in which a shop would write them."""
    chance = random.Random(seed)
    return [
        record(event)
        for number in range(orders)
        for event in _versions(chance, f"{prefix}-{chance.randrange(shops)}", f"o-{seed}-{number}")
    ]


def stirred(seed: int, records: list[Sent], repeats: float = 0.15) -> list[Sent]:
    """Shuffled, a share of them twice."""
    chance = random.Random(seed)
    mixed = records + chance.sample(records, round(len(records) * repeats))
    chance.shuffle(mixed)
    return mixed


def without_equals(records: list[Sent]) -> list[Sent]:
    """Of different events of one thing at one instant the first: the order of arrival decides among them."""
    first: dict[tuple[Any, ...], bytes | None] = {}
    return [sent for sent in records if first.setdefault(_instant(sent), sent.value) == sent.value]


def _instant(sent: Sent) -> tuple[Any, ...]:
    if sent.refusal is not None:
        return (sent.value,)
    event = json.loads(sent.value or b"")
    data = event["data"]
    received = event["type"] == "purchase:received"
    when = data.get("updatedAt") or data["at"]
    things = (data.get("locationId"), data.get("sessionId"), received)
    return sent.topic, sent.key, when, data.get("revision"), *things


def openings(shops: int = 5, prefix: str = "mixed", chooses: bool = False) -> list[Sent]:
    """The first settings of each shop, some with a threshold; `chooses` as of `mixed`.

    To be in before the first level or order is sent: of two topics nobody knows which one is read first.
    """
    return [
        record(opening(f"{prefix}-{number}", number, _lasting(number, chooses)))
        for number in range(shops)
    ]


def mixed(
    seed: int,
    n: int,
    shops: int = 5,
    prefix: str = "mixed",
    bad: float = 0.03,
    repeats: float = 0.15,
    opened: bool = False,
    chooses: bool = False,
) -> list[Sent]:
    """About `n` events of every topic, shuffled; a share of them twice, and a share that is refused.

    Zones and currencies of the shops change; their thresholds do not: with `opened` they are what
    `openings` said, and were so before, and without it no shop has one. With `chooses` shops also have words of their
    own for statuses, as `openings` said, and change which statuses count.
    """
    chance = random.Random(seed)
    events: list[Event] = []
    number = 0
    while len(events) < n:
        shop = chance.randrange(shops)
        name, number = f"{prefix}-{shop}", number + 1
        serial = f"{seed}-{number}"
        if chance.random() < 0.4:
            versions = _versions(chance, name, f"o-{serial}", instant(chance))
            events += (_in_own_words(chance, one) if chooses else one for one in versions)
        elif chance.random() < 0.03:
            lasting = _lasting(shop, chooses) if opened else {}
            events += settings_of(chance, name, serial, lasting, chooses)
        else:
            (maker,) = chance.choices(*zip(*MAKERS, strict=True))
            events += maker(chance, name, _which(chance, maker.__name__, seed, number), serial)
    records = [record(event) for event in events]
    records += [spoiled(chance, event) for event in chance.sample(events, round(n * bad))]
    orders = [event for event in events if event["type"].startswith("order:")]
    records += [moved(event, instant(chance)) for event in chance.sample(orders, n // 200)]
    return stirred(seed, records, repeats)


def _lasting(shop: int, chooses: bool) -> dict[str, Any]:
    """What a shop's settings say, whatever else changes."""
    found: dict[str, Any] = {"lowStockThreshold": shop * 5} if shop % 2 else {}
    return found | {"statusMap": WORDS} if chooses else found


def _in_own_words(chance: random.Random, event: Event) -> Event:
    """With the shop's word for its status now and then."""
    data = event["data"]
    own = {status: word for word, status in WORDS.items()}.get(data["status"])
    return {**event, "data": {**data, "status": own}} if own and chance.random() < 0.5 else event


def _which(chance: random.Random, maker: str, seed: int, number: int) -> int:
    """Levels and suppliers are few and come again; the other things are new ones."""
    few = {"level_of": 45, "supplier_of": 6}
    return chance.randrange(few[maker]) if maker in few else seed * 100_000 + number


def _versions(
    chance: random.Random, shop: str, order_id: str, created: str | None = None
) -> Iterator[Event]:
    if created is None:
        moment = START + timedelta(microseconds=chance.randrange(90 * 86_400_000_000))
        created = moment.isoformat(timespec="microseconds") + "Z"
    items = _items(chance)
    moves = chance.random() < 0.15
    second = 0.0
    for revision in range(chance.choice((1, 1, 2, 3, 4))):
        # now and then the same instant: then the revision decides
        second += chance.choice((0, 1, 2.5))
        rich = chance.random() < 0.4
        lines = [_rich(chance, line) for line in items] if rich else items
        more = _amounts(chance) | (_dated(chance, lines) if rich else {})
        if moves and chance.random() < 0.6:
            more["placedAt"] = instant(chance)
        yield order(
            shop,
            order_id,
            version=second,
            created=created,
            status=chance.choice(STATUSES),
            currency=chance.choice(CURRENCIES),
            items=_refunded(chance, lines),
            event_id=f"{order_id}-{revision}",
            revision=revision,
            **more,
        )
        if chance.random() < 0.3:
            items = _items(chance)


def _items(chance: random.Random) -> list[dict[str, Any]]:
    return [
        item(
            f"p-{number}",
            chance.randrange(1, 6),
            str(Decimal(chance.randrange(1, 100_000)) / chance.choice((1, 100, 10_000))),
            **({"name": f"Thing {number}/{chance.randrange(3)}"} if chance.random() < 0.8 else {}),
        )
        for number in chance.sample(range(PRODUCTS), chance.randrange(1, 5))
    ]


def _rich(chance: random.Random, line: dict[str, Any]) -> dict[str, Any]:
    """By weight, with amounts of its own, or what is no product."""
    found = dict(line)
    if chance.random() < 0.5:
        found |= {"quantity": str(Decimal(chance.randrange(1, 50_000)) / 10_000), "unit": "kg"}
    if chance.random() < 0.4:
        found["total"] = str(Decimal(chance.randrange(1_000_000)) / chance.choice((1, 100, 10_000)))
    if chance.random() < 0.3:
        found["kind"] = chance.choice(("product", "return", "shipping", "gift_card", "fee", "tip"))
    if found.get("kind") == "return" and chance.random() < 0.7:
        found |= {"quantity": f"-{found['quantity']}", "total": f"-{chance.randrange(9)}.25"}
    if chance.random() < 0.3:
        found |= {"refundedTotal": str(chance.randrange(20)), "tax": "-0.19", "discount": "1.5"}
    if chance.random() < 0.3:
        found |= {"variantId": "v-1", "category": "Things"}
    return found


def _dated(chance: random.Random, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Refunds at other times, parts of the total; and a total where the lines have none to compute it from."""
    found: dict[str, Any] = {}
    if chance.random() < 0.6:
        found["refunds"] = [
            {"id": f"r-{n}", "amount": f"{chance.randrange(90)}.5", "at": instant(chance)}
            for n in range(chance.randrange(4))
        ]
    for name in ("taxTotal", "shippingTotal", "discountTotal", "tipTotal"):
        if chance.random() < 0.3:
            found[name] = f"{chance.randrange(100)}.{chance.randrange(10_000):04}"
    if chance.random() < 0.2 or any("-" in str(line.get("quantity")) for line in lines):
        found["total"] = f"{chance.randrange(1000)}.01"
    # the lines' refunds together are not negative only where nothing is given back of a negative amount
    if any(str(line.get("total", "")).startswith("-") for line in lines) and not found.get(
        "refunds"
    ):
        found["refundedTotal"] = "1"
    return found


def _refunded(chance: random.Random, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**line, "refundedQuantity": _part(chance, line["quantity"])}
        if chance.random() < 0.2 and not str(line["quantity"]).startswith("-")
        else line
        for line in items
    ]


def _part(chance: random.Random, quantity: int | str) -> int | str:
    if isinstance(quantity, int):
        return chance.randrange(quantity + 1)
    return str(Decimal(chance.randrange(int(Decimal(quantity) * 10_000) + 1)) / 10_000)


def _amounts(chance: random.Random) -> dict[str, Any]:
    """Some events say what was paid or given back, whatever their lines add up to."""
    found = {}
    if chance.random() < 0.3:
        found["total"] = str(Decimal(chance.randrange(10_000_000)) / 10_000)
    if chance.random() < 0.2:
        found["refundedTotal"] = str(Decimal(chance.randrange(1_000_000)) / 100)
    return found
