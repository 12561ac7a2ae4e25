"""Orders of 8.7 each on one day, sent and asked for by the commands of a user, on a running `up`."""

import functools
import json
from typing import Any

from support.up import Up, get, shopstream


def produce(up: Up, shop: str, orders: list[str]) -> str:
    """Orders of 8.7 each; the place of the last one."""
    lines = []
    for number in orders:
        order = {
            "orderId": number,
            "status": "paid",
            "currency": "EUR",
            "createdAt": "2026-11-22T10:15:30Z",
            "updatedAt": "2026-11-22T10:15:30Z",
            "items": [{"productId": "p-1", "quantity": 2, "unitPrice": 4.35}],
        }
        event = {"specversion": "1.0", "id": number, "source": "/t", "type": "order:created"}
        lines.append(json.dumps({**event, "shopid": shop, "data": order}))
    produced = shopstream(up, "produce", "-", stdin="\n".join(lines).encode())
    assert produced.returncode == 0, produced.stderr
    return produced.stdout.decode().strip()


def asked(up: Up, shop: str, more: str = "") -> tuple[int, bytes]:
    return get(f"{up.told['api']}/reports/daily-sales?date=2026-11-22{more}", _token(up, shop))


@functools.cache
def _token(up: Up, shop: str) -> str:
    """It outlives a start. Asked for once, as a report is while it is waited for."""
    return shopstream(up, "token", "--shop", shop).stdout.decode().strip()


def sales(up: Up, shop: str, more: str = "") -> dict[str, Any]:
    status, body = asked(up, shop, more)
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found
