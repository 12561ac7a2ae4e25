"""What an alert calls its product."""

import json

import pytest

from support.engine_bench import Bench
from support.events import item, level, order, record


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
