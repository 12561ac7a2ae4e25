"""What a batch touches, and what two words touch together."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from pipeline.batch import Batch
from pipeline.changed_days import DAYS, SHOPS, changed_days, merged
from pipeline.decode import Part, shape
from shopstream.contracts.notices import PipelineState, pipeline_progress
from shopstream.contracts.topics import INVENTORY, ORDERS, PAYMENTS, SETTINGS


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
    assert changed_days(batch(ORDERS, *rows), {"s": [86400 * 5]}) == {"s": {0, 2, 5}, "t": {1}}


def test_orders_touch_the_days_under_which_they_count_too() -> None:
    rows = [("s", at(0)), ("t", at(1))]
    assert changed_days(batch(ORDERS, *rows, placed=at(7)), {}) == {"s": {0}, "t": {1, 7}}


def test_settings_touch_all_of_a_shop_and_anything_else_no_day() -> None:
    rows = [("s", at(0)), ("t", at(1)), ("s", at(2))]
    assert changed_days(batch(SETTINGS, *rows), {}) == {"s": None, "t": None}
    assert changed_days(batch(INVENTORY, *rows), {}) == {"s": set(), "t": set()}


def test_payments_touch_the_days_whose_numbers_they_changed() -> None:
    rows = [("s", at(0)), ("t", at(0))]
    changed = {"s": [86400 * 3 - 900, 86400 * 3], "u": [0]}
    assert changed_days(batch(PAYMENTS, *rows), changed) == {"s": {2, 3}, "t": set()}


def test_a_batch_without_events_touches_nothing() -> None:
    assert changed_days(batch(ORDERS), {}) == {}


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ({}, {}, {}),
        ({"s": {1}}, {"s": {2}, "t": set()}, {"s": {1, 2}, "t": set()}),
        ({"s": {1}}, {"s": None}, {"s": None}),
        ({"s": None}, {"s": {1}}, {"s": None}),
        (None, {"s": {1}}, None),
        ({"s": {1}}, None, None),
    ],
)
def test_two_words_touch_what_either_does(one, other, both) -> None:
    assert merged(one, other) == both


def test_what_is_too_much_to_name_is_anything() -> None:
    shops = {str(number): set() for number in range(SHOPS)}
    assert merged(shops, {}) == shops
    assert merged(shops, {"more": set()}) is None
    days = {"s": set(range(DAYS))}
    assert merged(days, {}) == days
    assert merged(days, {"s": {-1}}) is None
    long = {f"{number:08}" + "\N{GRINNING FACE}" * 120: set() for number in range(SHOPS)}
    assert merged(long, {}) is None
    word = pipeline_progress(
        PipelineState("w", {}, {}, merged(dict(list(shops.items())[1:]) | days, {})), "n", at(0)
    )
    assert len(word) < 2**20
