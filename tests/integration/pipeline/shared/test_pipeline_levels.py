"""Levels, the crossings of their thresholds, and the names that they give to products."""

from datetime import UTC, datetime, timedelta
from typing import Any

from support.events import bought, item, level, order, purchase, record, settings
from support.scene import Scene
from support.things import text
from support.turns import in_every_turn, step_by_step

Event = dict[str, Any]


def levels_of(shop: str) -> list[Event]:
    """Up and down; the last two are of one instant."""
    common = {"shop": shop, "product": "p"}
    return [
        level(**common, quantity=5, version=1, event_id="a", name="One"),
        level(**common, quantity=25, version=2, event_id="b", name="Two", sku="S"),
        level(**common, quantity=3, version=3, event_id="c", lowStockThreshold=4),
        level(**common, quantity=4, version=3, event_id="d", lowStockThreshold=0),
    ]


def test_levels_may_arrive_in_any_order(scene: Scene) -> None:
    in_every_turn(scene, "levels", levels_of)


def test_crossings_are_told_once_and_nothing_in_between_repeats(scene: Scene) -> None:
    quantities = (20, 10, 3, -2, 10, 11, 50, 9, 9, 12)
    events = [level("cross", "p", q, version=n) for n, q in enumerate(quantities)]
    scene.send([record(event) for event in events])
    scene.check(["cross"])
    assert [c.low for c in scene.book.crossings if c.shop == "cross"] == [True, False] * 2
    scene.send([record(event) for event in events])
    scene.check(["cross"])
    scene.check_alerts()
    step_by_step(
        scene,
        ["cross-apart"],
        [[level("cross-apart", "p", q, version=n)] for n, q in enumerate(quantities)],
    )


def test_a_level_is_one_of_a_product_at_a_place(scene: Scene) -> None:
    places = [{}, {"locationId": "a"}, {"locationId": "b"}]
    events = [
        level("places", f"p-{n}", quantity, version=step, sku=f"{n}", **place)
        for step, quantity in enumerate((30, 2, 30))
        for n in range(2)
        for place in places
    ]
    scene.send([record(event) for event in events])
    scene.check(["places"])
    assert len([c for c in scene.book.crossings if c.shop == "places"]) == 12


def test_a_changed_threshold_of_the_shop_acts_from_the_next_event_on(scene: Scene) -> None:
    shop = "threshold"
    step_by_step(
        scene,
        [shop],
        [
            [level(shop, "p", 8), level(shop, "own", 8, lowStockThreshold=7)],
            [settings(shop, lowStockThreshold=5)],
            [level(shop, "p", 8, version=1), level(shop, "own", 6, version=1, lowStockThreshold=7)],
            [settings(shop, version=1, lowStockThreshold=0)],
            [level(shop, "q", 1), level(shop, "r", 0), level(shop, "p", 1, version=2)],
            [settings(shop, version=2)],
            [level(shop, "q", 1, version=1), level(shop, "r", 11, version=1)],
        ],
    )
    told = [(c.product, c.low, c.threshold) for c in scene.book.crossings if c.shop == shop]
    assert sorted(told) == [
        ("own", True, 7),
        ("p", False, 5),
        ("p", True, 10),
        ("q", True, 10),
        ("r", False, 10),
        ("r", True, 0),
    ]


def test_orders_and_levels_name_a_product_together(scene: Scene) -> None:
    def sold(name: str | None, version: float, order_id: str = "o") -> Event:
        named = {} if name is None else {"name": name}
        return order("named", order_id, version=version, items=[item("p", 1, 1, **named)])

    step_by_step(
        scene,
        ["named"],
        [
            [level("named", "p", 1, version=2, name="level")],
            [sold("order", 1)],
            [sold("order", 3)],
            [level("named", "p", 1, version=4, name="place", locationId="l")],
            # taken back: what was said before stands again
            [level("named", "p", 1, version=5, locationId="l")],
            [sold(None, 6)],
            [level("named", "p", 1, version=7)],
            [sold("again", 0.5, "other")],
        ],
    )


def test_history_crosses_nothing_and_the_next_level_is_compared_with_it(scene: Scene) -> None:
    shop = "history"
    events = [level(shop, "p", q, version=n) for n, q in enumerate((20, 3, 2, 30, 4, 5))]
    for event, backfill in zip(events, (True, True, False, True, False, False), strict=True):
        event["shopstreambackfill"] = backfill
    scene.send([record(event) for event in events])
    scene.check([shop])
    crossed = [(c.low, c.quantity) for c in scene.book.crossings if c.shop == shop]
    assert crossed == [(True, 4)]
    scene.check_alerts()


def test_an_alert_says_how_long_the_stock_lasts(scene: Scene) -> None:
    """Sales of any currency, and units of a purchase that is created and not received."""
    shop, now = "cover", datetime.now(UTC)
    days = {"now": 0, "edge": 13, "past": 14}
    scene.send(
        [record(purchase(shop, "b", items=[bought("p", 5)]))]
        + [
            record(
                order(shop, name, created=text(now - timedelta(days=n)), items=[item("p", 3, 1)])
            )
            for name, n in days.items()
        ]
    )
    scene.check([shop])
    scene.send([record(level(shop, "p", 9, name="Cup", sku="C"))])
    scene.check([shop])
    (alert,) = [event for event in scene.published() if event["shopid"] == shop]
    assert (alert["type"], alert["data"]) == (
        "stock:low",
        {
            "productId": "p",
            "locationId": None,
            "name": "Cup",
            "sku": "C",
            "quantity": 9,
            "threshold": 10,
            "onOrder": 5,
            "dailySales": 0.43,
            "daysOfCover": 21,
        },
    )


def test_three_levels_in_one_second_are_nine_with_an_alert_each(scene: Scene) -> None:
    """From a till whose clock ticks in seconds; sent again, and the topics read again."""
    steps = [
        [level("till", f"p-{n}", quantity, updatedAt="2026-11-22T12:00:00Z") for n in range(20)]
        for quantity in (12, 11, 9)
    ]
    sent = [record(event) for step in steps for event in step]
    scene.send(sent)
    scene.check(["till"])
    step_by_step(
        scene, ["till-apart"], [[{**e, "shopid": "till-apart"} for e in step] for step in steps]
    )
    scene.send(sent)
    scene.check(["till"])
    scene.system.replay()
    scene.system.settle()
    scene.compare(["till", "till-apart"])
    assert {lv.quantity for lv in scene.book.levels.values() if lv.shop == "till"} == {9}
    crossed = [c for c in scene.book.crossings if c.shop in ("till", "till-apart")]
    assert [(c.low, c.quantity) for c in crossed] == [(True, 9)] * 40
    scene.check_alerts()
