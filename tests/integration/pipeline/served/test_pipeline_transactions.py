"""What an open transaction holds is not included, so `asOf` does not pass it."""

import json
import time
import urllib.request
from datetime import datetime
from typing import Any

import pytest
from confluent_kafka import Producer

from support.system import System
from support.waiting import eventually

AT = "2026-11-22T10:15:30Z"
SHOP = "transactions"


def order(name: str) -> bytes:
    data = {
        "orderId": name,
        "status": "paid",
        "currency": "EUR",
        "createdAt": AT,
        "updatedAt": AT,
        "items": [{"productId": "p", "quantity": 1, "unitPrice": "1.50"}],
    }
    head = {"specversion": "1.0", "id": name, "source": "/t", "type": "order:created"}
    return json.dumps({**head, "shopid": SHOP, "data": data}).encode()


def report(system: System, includes: str = "") -> tuple[int, dict[str, Any]]:
    more = f"&includes={includes}" if includes else ""
    status, body = system.get(f"/reports/daily-sales?date=2026-11-22{more}", [SHOP])
    return status, json.loads(body)


def refused(system: System, place: str) -> str | None:
    headers = {"Authorization": f"Bearer {system.token(SHOP)}"}
    url = f"http://127.0.0.1:{system.port}/reports/daily-sales?includes={place}"
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=15) as answer:
        return answer.headers["Shopstream-Refused"]


def as_of(system: System) -> float:
    text = report(system)[1]["asOf"]
    return datetime.fromisoformat(text).timestamp() if text else 0.0


@pytest.mark.parametrize("commits", [True, False])
def test_as_of_waits_for_an_open_transaction(commits: bool, system: System) -> None:
    name = f"commits-{commits}"
    producer = Producer(
        {"bootstrap.servers": system.bootstrap, "transactional.id": name, "log_level": 0}
    )
    producer.init_transactions(30)
    places: list[str] = []
    eventually(lambda: as_of(system) > 0, 30, "asOf")
    producer.begin_transaction()
    producer.produce(
        "shop.orders",
        order(name),
        partition=1,
        on_delivery=lambda error, m: places.append(f"{m.topic()}:{m.partition()}:{m.offset()}"),
    )
    producer.flush(10)
    arrived = time.time()
    (place,) = places
    before = report(system)[1]["totalOrders"]
    # longer than a silent partition takes to be level again
    end = time.monotonic() + 4
    while time.monotonic() < end:
        assert as_of(system) <= arrived
        time.sleep(0.1)
    assert report(system, place)[0] == 503
    assert as_of(system) <= arrived
    producer.commit_transaction(30) if commits else producer.abort_transaction(30)
    eventually(lambda: as_of(system) > arrived + 4, 20, "asOf after the transaction")
    assert report(system, place)[0] == 200
    # aborted is not refused: nothing is wrong with the order
    assert refused(system, place) is None
    assert report(system)[1]["totalOrders"] == before + commits
