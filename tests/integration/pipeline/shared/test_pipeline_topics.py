"""What shops say beside their orders and levels: the rules of each topic, end to end."""

from typing import Any

from support.events import bought, level, payment, purchase, record, settings, supplier, visit
from support.scene import Scene
from support.turns import in_every_turn, step_by_step

Event = dict[str, Any]


def payments_of(shop: str) -> list[Event]:
    """The last two are of one instant; two amounts, two currencies, two quarters of an hour."""
    return [
        payment(shop, "p", failed=True, amount="5", reason="declined", event_id="a"),
        payment(shop, "p", failed=True, amount="6.0001", currency="USD", version=9, event_id="b"),
        payment(shop, "p", version=2000, amount="7", method="card", orderId="o", event_id="c"),
        payment(shop, "p", failed=True, version=2000, amount="7", event_id="d"),
    ]


def test_payments_may_arrive_in_any_order(scene: Scene) -> None:
    in_every_turn(scene, "payments", payments_of)


def test_payments_are_exact_to_their_limits(scene: Scene) -> None:
    most = "999999999999.9999"
    scene.send([record(payment("rich", f"p-{n}", amount=most)) for n in range(30)])
    scene.send([record(payment("rich", "none", amount=0, reason="not kept where received"))])
    scene.check(["rich"])


def purchases_of(shop: str) -> list[Event]:
    """Two creations, the later of which tells less, and a receipt."""
    early = [bought("p", 2), bought("q", 3, 0), bought("p", 5, "0.0001")]
    return [
        purchase(shop, "b", version=2, items=[bought("p", 100)], event_id="a"),
        purchase(shop, "b", version=1, items=early, expectedAt="2027-01-01T00:00:00Z"),
        purchase(shop, "b", version=0, received=True, items=[bought("r", 1)], event_id="c"),
    ]


def test_purchases_may_arrive_in_any_order(scene: Scene) -> None:
    in_every_turn(scene, "purchases", purchases_of)


def test_creations_of_one_purchase_may_arrive_in_any_order(scene: Scene) -> None:
    def made(shop: str) -> list[Event]:
        return [
            purchase(shop, "b", version=when, items=[bought(f"p-{n % 2}", n + 1)], event_id=f"{n}")
            for n, when in enumerate((3, 1, 1, 2))
        ]

    in_every_turn(scene, "created", made)


def test_units_are_on_order_until_they_are_received(scene: Scene) -> None:
    shop = "on-order"
    step_by_step(
        scene,
        [shop],
        [
            [purchase(shop, "a"), purchase(shop, "b", items=[bought("p-1", 3), bought("q", 1)])],
            [purchase(shop, "a", received=True, version=1)],
            [
                purchase(shop, "c", received=True),
                purchase(shop, "d"),
                purchase(shop, "d", received=True),
            ],
            [purchase(shop, "a", version=-5, items=[bought("x", 9)])],
            [purchase(shop, "a", received=True, version=-9), purchase(shop, "c", version=7)],
        ],
    )
    assert scene.book.purchases.on_order[shop, "p-1"] == 3


def test_suppliers_and_settings_may_arrive_in_any_order(scene: Scene) -> None:
    def told(shop: str) -> list[Event]:
        return [
            supplier(shop, "a", "One", version=1, leadTimeDays=3, event_id="a"),
            supplier(shop, "a", "Two", version=2, email="two@supplier.example", event_id="b"),
            supplier(shop, "a", "Three", version=2, leadTimeDays=0, event_id="c"),
        ]

    def said(shop: str) -> list[Event]:
        return [
            settings(shop, "Europe/Berlin", "EUR", version=1, event_id="a"),
            settings(shop, "Asia/Kathmandu", "USD", version=2, lowStockThreshold=0, event_id="b"),
            settings(shop, "Pacific/Apia", "JPY", version=2, event_id="c"),
        ]

    in_every_turn(scene, "suppliers", told)
    in_every_turn(scene, "settings", said)


def sessions_of(shop: str) -> list[Event]:
    """One session: within a quarter, in between, over midnight, a day later."""
    times = ("22T23:50:00", "22T23:52:00", "23T00:10:00", "22T12:00:00")
    return [visit(shop, "s", f"2026-11-{when}Z", f"{n}") for n, when in enumerate(times)]


def test_visits_may_arrive_in_any_order(scene: Scene) -> None:
    in_every_turn(scene, "visits", sessions_of)


def test_visits_are_counted_by_the_quarters_since_the_one_before(scene: Scene) -> None:
    minutes = (0, 14, 15, 1499, 1500, 1514, 1515, 3000, 3015, 4515, 9000)
    times = [f"2026-11-{1 + m // 1440:02}T{m % 1440 // 60:02}:{m % 60:02}:00Z" for m in minutes]
    turns = {"gaps": times, "gaps-back": times[::-1], "gaps-stirred": times[::2] + times[1::2]}
    for part in (slice(0, 4), slice(4, 7), slice(7, None)):
        scene.send(
            [record(visit(s, "s", when)) for s, turn in turns.items() for when in turn[part]]
        )
        scene.check(turns)
    scene.send([record(visit("gaps-at-once", "s", when)) for when in times])
    scene.check(["gaps-at-once"])


def test_identifiers_of_every_topic_are_what_they_are(scene: Scene) -> None:
    shops = ["it's too", "Größe \\ 大 2", "a/b/c", "\U0001f6d2\U0001f6d2", " b", "b "]
    makers = [payment, supplier, purchase, lambda s, t: level(s, t, 5, sku=t, locationId=t)]
    makers.append(lambda s, t: visit(s, t, "2026-11-22T10:00:00Z"))
    scene.send([record(make(s, t)) for s in shops for t in ("same", s) for make in makers])
    scene.check(shops)
