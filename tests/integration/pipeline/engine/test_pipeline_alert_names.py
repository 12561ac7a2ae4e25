"""What an alert calls its product."""

import json

import pytest

from support.engine_bench import Bench
from support.events import item, level, order, record
from support.found import inserted


@pytest.mark.parametrize(
    ("second", "own", "called"),
    [
        ("Tea", None, "Tea"),
        (None, None, None),
        (None, "Chai", "Chai"),
        ("Green tea", "Chai", "Green tea"),
    ],
)
async def test_a_product_is_called_as_what_now_stands_calls_it(
    bench: Bench, second: str | None, own: str | None, called: str | None
) -> None:
    """A name that an order gave and took back is no name any more."""
    names = ("Tea", second)
    for version, name in enumerate(names, 1):
        line = item("p", 1, 1, **({"name": name} if name else {}))
        sold = record(order("s", "o", version=version, items=[line]))
        await bench.write(bench.batch(sold), await bench.own("shop.orders"))
    low = record(level("s", "p", 3, version=0.5, **({"name": own} if own else {})))
    await bench.write(bench.batch(low), await bench.own("shop.inventory"))
    (alert,) = map(json.loads, bench.publisher.events)
    assert (alert["type"], alert["data"]["name"]) == ("stock:low", called)
    assert not bench.differences()


async def test_a_product_that_sold_any_number_of_units_gives_its_alert(bench: Bench) -> None:
    units = "9" * 25
    row = f"('s', '2026-11-22 10:15:00', 'EUR', 'p', {units}, 0)"
    bench.system.sql.text(inserted("product_15m", row))
    await bench.write(bench.batch(record(level("s", "p", 3))), await bench.own("shop.inventory"))
    (alert,) = map(json.loads, bench.publisher.events)
    assert alert["data"]["dailySales"] == pytest.approx(int(units) / 14)
