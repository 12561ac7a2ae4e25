"""What the numbers of orders are, whatever arrives in which order and how often."""

import itertools
import time

from support.events import at, item, order, record
from support.load import stirred, versions
from support.scene import Scene
from support.system import FULL
from support.waiting import eventually

VISIBLE_WITHIN = 2.0
"""Seconds. The promise is less; a busy machine must not decide."""


def test_a_record_that_comes_again_changes_nothing(scene: Scene) -> None:
    once = record(order("dup", "o-1"))
    scene.send([once, once, once])
    scene.check(["dup"])
    scene.send([once, record(order("dup", "o-2")), once])
    scene.check(["dup"])
    assert scene.system.sql.rows("SELECT sum(orders) FROM order_windows WHERE shop_id = 'dup'") == [
        ["2"]
    ]


def four_versions(shop: str) -> list:
    """Two differ by updatedAt, two by revision, two by arrival alone; all differ in every number."""
    common = {"shop": shop, "order_id": "o"}
    return [
        record(order(**common, version=1, items=[item("a", 1, 1)], event_id="x")),
        record(order(**common, version=2, items=[item("a", 2, 3)], revision=1, event_id="x2")),
        record(order(**common, version=2, items=[item("b", 5, 7)], revision=2, event_id="x3")),
        record(order(**common, version=2, items=[item("c", 11, 13)], revision=2, event_id="x4")),
    ]


def test_versions_may_arrive_in_any_order_in_one_batch(scene: Scene) -> None:
    shops = [f"together-{n}" for n in range(24)]
    for shop, turn in zip(shops, itertools.permutations(range(4)), strict=True):
        scene.send([four_versions(shop)[n] for n in turn])
    scene.check(shops)


def test_versions_may_arrive_in_any_order_one_after_the_other(scene: Scene) -> None:
    shops = [f"apart-{n}" for n in range(24)]
    turns = list(itertools.permutations(range(4)))
    for n in range(4):
        scene.send([four_versions(s)[turn[n]] for s, turn in zip(shops, turns, strict=True)])
        scene.check(shops)
    for shop, turn in zip(shops, turns, strict=True):
        (line,) = scene.book.orders[shop, "o"].lines
        assert line.product == ("b" if turn.index(2) > turn.index(3) else "c")


LIVES = {
    "cancelled": [{}, {"status": "cancelled"}],
    "cancelled and back": [{}, {"status": "cancelled"}, {"status": "paid"}, {"status": "failed"}],
    "born cancelled": [{"status": "cancelled"}, {"status": "shipped"}],
    "refunded": [{}, {"status": "refunded", "refundedTotal": 5}, {"refundedTotal": 5}],
    "partly returned": [
        {"items": [item("p", 5, "2.25")]},
        {"items": [item("p", 5, "2.25", refundedQuantity=2)]},
        {"items": [item("p", 5, "2.25", refundedQuantity=5)]},
        {"items": [item("p", 5, "2.25", refundedQuantity=1)]},
    ],
    "paid less, then gave back more": [
        {"total": "1.0001"},
        {"total": "1.0001", "refundedTotal": "2.5"},
        {"total": 0, "refundedTotal": 0},
    ],
    "another currency": [{}, {"currency": "USD"}, {"currency": "JPY", "status": "cancelled"}, {}],
    "other items": [
        {"items": [item("p", 1, 1), item("q", 2, 2)]},
        {"items": [item("q", 3, "2.5"), item("r", 1, 0), item("q", 1, 1)]},
        {"items": [item("s", 1, "0.0001")]},
        {"items": [item("s", 1, "0.0001")], "customerId": "c"},
    ],
}


def test_each_step_in_the_life_of_an_order_is_in_the_numbers(scene: Scene) -> None:
    shops = [name.replace(" ", "-") for name in LIVES]
    for step in range(4):
        scene.send(
            [
                record(order(shop, "o", version=step, **life[step]))
                for shop, life in zip(shops, LIVES.values(), strict=True)
                if step < len(life)
            ]
        )
        scene.check(shops)


def test_the_steps_of_a_life_may_arrive_backwards(scene: Scene) -> None:
    shops = [f"backwards-{name.replace(' ', '-')}" for name in LIVES]
    scene.send(
        [
            record(order(shop, "o", version=step, **life[step]))
            for shop, life in zip(shops, LIVES.values(), strict=True)
            for step in reversed(range(len(life)))
        ]
    )
    scene.check(shops)


def named(shop: str, order_id: str, version: float, *names: str | None, **more: str) -> dict:
    items = [item("p", 1, 1) if name is None else item("p", 1, 1, name=name) for name in names]
    return order(shop, order_id, version=version, items=items, **more)


def test_a_product_is_called_as_the_latest_order_that_stands_calls_it(scene: Scene) -> None:
    steps = [
        {"last-line": named("last-line", "a", 1, "one", "two", None)},
        {
            "latest": named("latest", "a", 5, "late"),
            "renamed": named("renamed", "a", 1, "old"),
            "taken-back": named("taken-back", "a", 1, "first"),
            "unnamed": named("unnamed", "a", 1, None),
            "cancelled-name": named("cancelled-name", "a", 1, "old"),
        },
        {
            "latest": named("latest", "b", 3, "early"),
            "renamed": named("renamed", "a", 2, "new"),
            "taken-back": named("taken-back", "b", 2, "second"),
            "unnamed": named("unnamed", "b", 1, None),
            "cancelled-name": named("cancelled-name", "b", 2, "new", status="cancelled"),
        },
        # the order that gave the name gives none any more: the one before it stands again
        {"taken-back": order("taken-back", "b", version=3, items=[item("q", 1, 1)])},
        {"taken-back": named("taken-back", "b", 4, None)},
        {"taken-back": named("taken-back", "a", 3, None)},
        {"taken-back": named("taken-back", "a", 5, "again")},
    ]
    shops = sorted({shop for step in steps for shop in step})
    for step in steps:
        scene.send([record(event) for event in step.values()])
        scene.check(shops)


def test_names_of_one_instant_are_told_apart_by_the_tie(scene: Scene) -> None:
    scene.send(
        [
            record(named(shop, order_id, 1, order_id, event_id=f"{shop}-{order_id}"))
            for shop in ("tie-1", "tie-2", "tie-3")
            for order_id in ("a", "b", "c")
        ]
    )
    scene.check(["tie-1", "tie-2", "tie-3"])


def test_the_earliest_order_decides_the_currency_as_it_now_stands(scene: Scene) -> None:
    early, late = at(1), at(2)
    shop = "money"
    scene.send([record(order(shop, "b", created=late, currency="USD"))])
    scene.check([shop])
    scene.send([record(order(shop, "c", created=early, currency="EUR", status="cancelled"))])
    scene.check([shop])
    scene.send([record(order(shop, "a", created=early, currency="GBP"))])
    scene.check([shop])
    scene.send([record(order(shop, "a", created=early, currency="JPY", version=9))])
    scene.check([shop])
    assert scene.system.sql.rows(
        "SELECT argMin(first.4, first) FROM first_orders WHERE shop_id = 'money'"
    ) == [["JPY"]]


def test_money_and_quantities_are_exact_to_their_limits(scene: Scene) -> None:
    largest, most = "999999999999.9999", 2**31 - 1
    scene.send(
        [
            record(order("large", f"o-{n}", total=largest, items=[item("p", most, "0.0001")]))
            for n in range(30)
        ]
        + [
            record(order("large", "product", items=[item("p", most, "465.6612")])),
            record(order("large", "number", items=[item("p", 1, 999999999999)])),
            record(order("large", "text", items=[item("q", 1, "12.3400")], total="0012.34")),
            record(order("large", "less", total=0, refundedTotal=largest)),
        ]
    )
    scene.check(["large"])


def test_lines_may_be_worth_more_than_any_total_where_the_total_is_given(scene: Scene) -> None:
    most = [item(f"p-{n}", 2**31 - 1, "999999999999.9999") for n in range(1000)]
    wide = [item("p", 1_000_000, "999999999", refundedQuantity=999_999)]
    scene.send(
        [
            record(order("wide", "o-1", total="1", refundedTotal="0", items=wide)),
            record(order("wide", "o-2", total="1", refundedTotal="0", items=most)),
        ]
    )
    scene.check(["wide"])


def test_a_shop_whose_name_was_made_to_clash_reaches_no_other_shop(scene: Scene) -> None:
    """Both names have the same CityHash64, which anybody can bring about."""
    victim, crafted = "victim-shop", "1-UF7_kv.QMHj3xg]MV;htN0r`jBey)Y"
    scene.send([record(order(victim, "z-1", items=[item("secret", 3, "41.5")]))])
    scene.check([victim])
    scene.send(
        [
            record(order(crafted, "z-1", version=9, status="cancelled")),
            record(order(crafted, "z-2", created=at(1))),
            record(order(victim, "z-2", created=at(2))),
        ]
    )
    scene.check([victim, crafted])


SPELLINGS = {
    "exponent": (b'"9.99"', b"1.5e1"),
    "negative exponent": (b'"9.99"', b"12345e-4"),
    "minus nothing": (b'"9.99"', b"-0.0"),
    "zeros": (b'"9.99"', b"9.990000000000000000000"),
    "text": (b'"9.99"', b'"0009.9900"'),
    "float would fail": (b'"9.99"', b"0.1"),
    "many digits": (b'"9.99"', b"123456789012.3456"),
    "twice": (b'"status":"paid"', b'"status":"paid","status":"cancelled"'),
    "escaped": (b'"Tea"', b'"\\u0054\\uD83D\\uDED2\\n"'),
    "empty name": (b'"Tea"', b'""'),
    "blanks": (b'"data":{', b' \n "data" : \t {'),
    "foreign": (b'"data":{', b'"more":{"a":[1.5e400,null,{}]},"data":{"b":1e999,'),
}


def test_json_may_be_written_in_any_way(scene: Scene) -> None:
    sent = []
    for n, (old, new) in enumerate(SPELLINGS.values()):
        plain = record(order("spelled", f"o-{n}"))
        assert plain.value is not None and old in plain.value
        sent.append(type(plain)(plain.key, plain.value.replace(old, new)))
    scene.send(sent)
    scene.check(["spelled"])


def test_identifiers_are_what_they_are(scene: Scene) -> None:
    shops = ["it's", "Größe \\ 大", "a/b", "%s ?&=", "\U0001f6d2", "A", "a", " a", "a ", "x" * 128]
    scene.send(
        [record(order(s, o, items=[item(s, 1, 1, name=s)])) for s in shops for o in ("same", s)]
    )
    scene.check(shops)


def test_any_key_and_any_partition_will_do(scene: Scene) -> None:
    sent = versions(5, 60, shops=1, prefix="anywhere")
    keys = (None, b"", b"\xff", b"other")
    scene.send(
        [
            type(s)(keys[n % 4], s.value, partition=None if n % 5 else n % 4)
            for n, s in enumerate(stirred(6, sent))
        ]
    )
    scene.check(["anywhere-0"])


def test_a_lone_event_is_visible_without_another_behind_it(scene: Scene) -> None:
    for partition in range(4):
        event = order(f"quiet-{partition}", "o")
        scene.system.caught_up()
        began = time.monotonic()
        scene.send([record(event, partition=partition)])
        shown = f"SELECT sum(orders) FROM order_windows WHERE shop_id = 'quiet-{partition}'"
        eventually(lambda s=shown: scene.system.sql.rows(s) == [["1"]], VISIBLE_WITHIN, shown)
        print(f"visible after {time.monotonic() - began:.3f} s")
    scene.check([f"quiet-{partition}" for partition in range(4)])


def test_a_mixed_load_and_everything_again(scene: Scene) -> None:
    load = versions(7, 1500 if FULL else 700)
    shops = sorted({f"load-{n}" for n in range(5)})
    scene.send(stirred(8, load))
    scene.check(shops)
    scene.send(stirred(9, load))
    scene.check(shops)
