"""What an alert calls its product."""

import json

import pytest

from api.push.records import too_much
from clickhouse import client
from pipeline import alerts
from support.batches import MIB
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


async def test_an_alert_fits_into_a_record_however_long_its_names_are(bench: Bench) -> None:
    """Name and sku of a level may fill a record each: Kafka would never take an alert with both."""
    name = "," * 19_000 + "x" * 480_000
    named = record(level("s", "p", 99, locationId="l", name=name))
    low = record(level("s", "p", 3, sku="é" * 250_000))
    await bench.write(bench.batch(named, low), await bench.own("shop.inventory"))
    (alert,) = bench.publisher.events
    told = json.loads(alert)["data"]
    assert (told["name"], told["sku"]) == ("," * 1_000, "é" * 1_000)
    assert not too_much(alert)


@pytest.mark.parametrize("again", [False, True])
async def test_alerts_of_many_long_names_are_more_than_one_answer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    monkeypatch.setattr(alerts, "AT_ONCE", 7)
    products = [f"p{number}" for number in range(20)]
    named = [
        record(level("s", p, 99, locationId="l", name=f"{p} {'x' * 100_000}")) for p in products
    ]
    fence = await bench.own("shop.inventory")
    for start in range(0, len(named), 5):
        await bench.write(bench.batch(*named[start : start + 5]), fence)
    low = bench.batch(*(record(level("s", p, 3)) for p in products))
    await bench.begin(low, fence)
    monkeypatch.setitem(client._WHOLE, "max_result_bytes", MIB)  # type: ignore[index]
    for _ in range(1 + again):
        await bench.writer.apply(low.topic, low.id, fence)
    told = [json.loads(alert) for alert in bench.publisher.events]
    assert len({alert["id"] for alert in told}) == len(products)
    assert len(told) == len(products) * (1 + again)
    for alert in told:
        assert alert["data"]["name"].startswith(f"{alert['data']['productId']} x")
