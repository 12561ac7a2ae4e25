"""One real order, from `produce` to a report and to the page in a real browser."""

import json
from datetime import UTC, datetime
from pathlib import Path

from browser import Browser

from support.up import Up, shopstream

REVENUE = "document.querySelector('#revenue').textContent"
EVENTS = "[...document.querySelectorAll('#events li')].map(one => one.textContent).join()"


def order(number: int, price: str) -> bytes:
    now = datetime.now(UTC).isoformat()
    data = {
        "orderId": f"page-{number}",
        "status": "paid",
        "currency": "EUR",
        "createdAt": now,
        "updatedAt": now,
        "items": [{"productId": "tea", "name": "Tea", "quantity": 2, "unitPrice": price}],
    }
    event = {
        "specversion": "1.0",
        "id": f"page-{number}",
        "source": "/test",
        "type": "order:created",
        "shopid": "page-shop",
        "data": data,
    }
    return json.dumps(event).encode() + b"\n"


async def test_an_order_comes_to_the_page_by_itself(up: Up, tmp_path: Path) -> None:
    token = shopstream(up, "token", "--shop", "page-shop").stdout.decode().strip()
    assert shopstream(up, "produce", "-", stdin=order(1, "1.25")).returncode == 0
    async with Browser(tmp_path / "chromium") as page:
        await page.call("Page.navigate", url=f"{up.told['api']}/#token={token}")
        await page.until("document.querySelector('#state').textContent === 'Live'")
        await page.until(f"{REVENUE} === '2.50 EUR'")
        assert shopstream(up, "produce", "-", stdin=order(2, "10.0001")).returncode == 0
        await page.until(f"{EVENTS}.includes('page-2')")
        await page.until(f"{REVENUE} === '22.5002 EUR'")
        assert await page.evaluate("location.hash") == ""
