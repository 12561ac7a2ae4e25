"""What a batch touches, and what two words touch together."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from pipeline.batch import Batch
from pipeline.changed_days import BYTES, DAYS, SHOPS, changed_days, merged
from pipeline.decode import Part, shape
from shopstream.contracts.notices import PipelineState, pipeline_progress
from shopstream.contracts.topics import (
    INVENTORY,
    ORDERS,
    PAYMENTS,
    PURCHASES,
    SETTINGS,
    SUPPLIERS,
    TRAFFIC,
)


def batch(topic: str, *rows: tuple[str, datetime], placed: datetime | None = None) -> Batch:
    """`placed`: of the last order."""
    staged = {"shop_id": [shop for shop, _ in rows]}
    if topic == ORDERS:
        staged["created_at"] = pa.array([at for _, at in rows], shape.INSTANT)
        staged["placed_at"] = pa.array(
            [*[None] * len(rows), placed][-len(rows) :] if rows else [], shape.INSTANT
        )
    return Batch(1, (Part(topic, 0, 1, 0, 1),), pa.table(staged), pa.table({}), (), len(rows))


def at(day: int, hour: int = 0) -> datetime:
    return datetime(1970, 1, 1 + day, hour, 59, 59, 999_999, UTC)


def test_orders_touch_the_days_on_which_they_were_made() -> None:
    rows = [("s", at(0)), ("t", at(1)), ("s", at(2, 23)), ("s", at(2))]
    assert changed_days(batch(ORDERS, *rows), {"s": [86400 * 5]}, {}) == {
        "s": {"sales": {0, 2, 5}},
        "t": {"sales": {1}},
    }


def test_orders_touch_the_days_under_which_they_count_too() -> None:
    rows = [("s", at(0)), ("t", at(1))]
    assert changed_days(batch(ORDERS, *rows, placed=at(7)), {}, {}) == {
        "s": {"sales": {0}},
        "t": {"sales": {1, 7}},
    }


@pytest.mark.parametrize(
    ("lookups", "kinds"),
    [
        ({"order_places": None}, {}),
        ({"order_places": None, "product_names": None}, {"s": {"names"}, "t": {"names"}}),
        ({"first_orders": ["t"]}, {"t": {"firstOrder"}}),
        (None, {"s": {"names", "firstOrder"}, "t": {"names", "firstOrder"}}),
    ],
)
def test_orders_touch_names_and_the_first_order_where_those_tables_may_change(
    lookups, kinds
) -> None:
    found = changed_days(batch(ORDERS, ("s", at(0)), ("t", at(0))), {}, lookups)
    assert found == {
        shop: {"sales": {0}, **dict.fromkeys(kinds.get(shop, ()))} for shop in ("s", "t")
    }


@pytest.mark.parametrize(
    ("topic", "kinds"),
    [
        (SETTINGS, None),
        (INVENTORY, {"names": None}),
        (PURCHASES, {"onOrder": None}),
        (SUPPLIERS, {}),
    ],
)
def test_settings_touch_all_of_a_shop_and_others_what_is_made_of_them(topic, kinds) -> None:
    rows = [("s", at(0)), ("t", at(1)), ("s", at(2))]
    assert changed_days(batch(topic, *rows), {"s": [0]}) == {"s": kinds, "t": kinds}


@pytest.mark.parametrize(("topic", "kind"), [(PAYMENTS, "payments"), (TRAFFIC, "sessions")])
def test_payments_and_visits_touch_the_days_whose_numbers_they_changed(topic, kind) -> None:
    rows = [("s", at(0)), ("t", at(0))]
    changed = {"s": [86400 * 3 - 900, 86400 * 3], "u": [0]}
    assert changed_days(batch(topic, *rows), changed) == {"s": {kind: {2, 3}}, "t": {kind: set()}}


def test_a_batch_without_events_touches_nothing() -> None:
    assert changed_days(batch(ORDERS), {}) == {}


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ({}, {}, {}),
        (
            {"s": {"sales": {1}, "names": None}},
            {"s": {"sales": {2}, "payments": {3}}, "t": {}},
            {"s": {"sales": {1, 2}, "payments": {3}, "names": None}, "t": {}},
        ),
        ({"s": {"sales": {1}}}, {"s": {"sales": None}}, {"s": {"sales": None}}),
        ({"s": {"sales": None}}, {"s": {"sales": {1}}}, {"s": {"sales": None}}),
        ({"s": {"sales": {1}}}, {"s": None}, {"s": None}),
        ({"s": None}, {"s": {"sales": {1}}}, {"s": None}),
        (None, {"s": {"sales": {1}}}, None),
        ({"s": {"sales": {1}}}, None, None),
    ],
)
def test_two_words_touch_what_either_does(one, other, both) -> None:
    assert merged(one, other) == both


def test_what_is_too_much_to_name_is_anything() -> None:
    every = {"names": None, "firstOrder": None, "onOrder": None}
    shops = {str(number): every for number in range(SHOPS)}
    assert merged(shops, {}) == shops
    assert merged(shops, {"more": {}}) is None
    days = {"s": {"sales": set(range(DAYS - 1)), "payments": {1}}}
    assert merged(days, {}) == days
    assert merged(days, {"s": {"sessions": {-1}}}) is None
    long = {f"{number:08}" + "\N{GRINNING FACE}" * 120: {} for number in range(SHOPS)}
    assert merged(long, {}) is None
    length = BYTES // SHOPS - len('""')
    some = frozenset(range(DAYS // SHOPS // 3))
    many = dict.fromkeys(("sales", "payments", "sessions"), some)
    longest = {f"{number:0{length}}": every | many for number in range(SHOPS)}
    assert merged(longest, {}) == longest
    word = pipeline_progress(PipelineState("w", {}, {}, longest), "n", at(0))
    assert len(word) < 2**20
