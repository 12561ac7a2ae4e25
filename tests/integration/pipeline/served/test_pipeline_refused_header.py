"""A report that includes a refused record says so, to the shop whose record it is."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from support.events import Sent
from support.system import System

AT = "2026-11-22T10:15:30Z"
SHOP, OTHER = "told-apart", "told-other"


def order(shop: str = SHOP, number: int = 1, created: str = AT, **more: Any) -> dict[str, Any]:
    data = {
        "orderId": f"o{number}",
        "status": "paid",
        "currency": "EUR",
        "createdAt": created,
        "updatedAt": created,
        "items": [{"productId": "p", "quantity": 1, "unitPrice": "1.50"}],
    }
    head = {"specversion": "1.0", "id": f"e{number}", "source": "/told", "type": "order:created"}
    return {**head, "shopid": shop, **more, "data": {**data, **more.get("data", {})}}


def send(
    system: System, value: bytes | None, key: str = f"{SHOP}/x", topic: str = "shop.orders"
) -> str:
    (place,) = system.produce([Sent(key.encode(), value, topic=topic)])
    return f"{place.topic}:{place.partition}:{place.offset}"


def ask(
    system: System, place: str, shop: str = SHOP, path: str = "/reports/daily-sales", **head: str
) -> tuple[int, str | None, str | None]:
    """Status, reason, entity tag."""
    headers = {"Authorization": f"Bearer {system.token(shop)}", **head}
    url = f"http://127.0.0.1:{system.port}{path}?includes={place}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=15) as a:
            return a.status, a.headers["Shopstream-Refused"], a.headers["ETag"]
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Shopstream-Refused"], error.headers["ETag"]


CASES: dict[str, bytes] = {
    "bad_value": json.dumps(order(data={"currency": "eur"})).encode(),
    "missing_field": json.dumps(order(data={"status": None})).encode(),
    "unknown_type": json.dumps({**order(), "type": "order:lost"}).encode(),
    "wrong_topic": json.dumps({**order(), "type": "shop:updated"}).encode(),
    "not_cloudevent": json.dumps({**order(), "specversion": "0.3"}).encode(),
    "not_json": b"{",
    "too_complex": json.dumps(order(data={"x": [0] * 255_000}), separators=(",", ":")).encode(),
    "too_large": json.dumps(order(data={"x": "x" * 600_000})).encode(),
}


@pytest.mark.parametrize("reason", CASES)
def test_a_refused_record_is_told_apart(reason: str, system: System) -> None:
    place = send(system, CASES[reason])
    for path in ("/reports/daily-sales", "/reports/trends", "/stock"):
        assert ask(system, place, path=path)[:2] == (200, reason)
    assert ask(system, place, OTHER)[:2] == (200, None)


def test_an_accepted_record_is_not(system: System) -> None:
    first = send(system, json.dumps(order(number=2)).encode())
    assert ask(system, first)[:2] == (200, None)
    # the same again, and an older version: accepted, and changing nothing
    assert ask(system, send(system, json.dumps(order(number=2)).encode()))[:2] == (200, None)
    assert ask(system, first, OTHER)[:2] == (200, None)


def test_an_order_with_another_created_at_is_not_and_a_304_says_why_a_record_is(
    system: System,
) -> None:
    send(system, json.dumps(order(number=3)).encode(), key=f"{SHOP}/o3")
    other = json.dumps(order(number=3, created="2026-11-21T10:15:30Z")).encode()
    assert ask(system, send(system, other, key=f"{SHOP}/o3"))[:2] == (200, None)
    place = send(system, CASES["not_json"])
    again = {"If-None-Match": str(ask(system, place)[2])}
    assert ask(system, place, **again)[:2] == (304, "not_json")


def test_whose_record_it_is_decides_its_shopid_before_its_key(system: System) -> None:
    value = json.dumps(order(OTHER, data={"currency": "eur"})).encode()
    place = send(system, value, key=f"{SHOP}/x")
    assert ask(system, place)[:2] == (200, None)
    assert ask(system, place, OTHER)[:2] == (200, "bad_value")
    for key in ("", "told", f"{SHOP}x/o"):
        assert ask(system, send(system, b"{", key=key))[:2] == (200, None)
