"""One real order, from `produce` to a report and to the page in a real browser."""

import asyncio
import json
import os
import random
import re
import signal
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from browser import Browser

from support.cutting import CuttingProxy
from support.up import Up, shopstream

REVENUE = "document.querySelector('#revenue').textContent"
EVENTS = "[...document.querySelectorAll('#events li')].map(one => one.textContent).join()"


def order(number: int, price: str = "1.25", name: str = "page") -> bytes:
    now = datetime.now(UTC).isoformat()
    data = {
        "orderId": f"{name}-{number}",
        "status": "paid",
        "currency": "EUR",
        "createdAt": now,
        "updatedAt": now,
        "items": [{"productId": "tea", "name": "Tea", "quantity": 2, "unitPrice": price}],
    }
    event = {
        "specversion": "1.0",
        "id": f"{name}-{number}",
        "source": "/test",
        "type": "order:created",
        "shopid": f"{name}-shop",
        "data": data,
    }
    return json.dumps(event).encode() + b"\n"


async def test_an_order_comes_to_the_page_by_itself(up: Up, tmp_path: Path) -> None:
    token = shopstream(up, "token", "--shop", "page-shop").stdout.decode().strip()
    assert shopstream(up, "produce", "-", stdin=order(1)).returncode == 0
    async with Browser(tmp_path / "chromium") as page:
        await page.call("Page.navigate", url=f"{up.told['api']}/#token={token}")
        await page.until("document.querySelector('#state').textContent === 'Live'")
        await page.until(f"{REVENUE} === '2.50 EUR'")
        assert shopstream(up, "produce", "-", stdin=order(2, "10.0001")).returncode == 0
        await page.until(f"{EVENTS}.includes('page-2')")
        await page.until(f"{REVENUE} === '22.5002 EUR'")
        assert await page.evaluate("location.hash") == ""


LISTEN = """
(async () => {
  const token = "%s";
  const ticket = async () => (await (await fetch("/auth/ticket",
    { method: "POST", headers: { Authorization: `Bearer ${token}` } })).json()).ticket;
  window.seen = []; window.refused = []; window.readies = 0; window.sockets = [];
  const source = new EventSource("/events?types=order:created&ticket=" + await ticket());
  source.addEventListener("stream:ready", () => window.readies++);
  source.addEventListener("stream:reset", event => window.refused.push(event.data));
  source.addEventListener("order:created", event =>
    window.seen.push([JSON.parse(event.data).id, event.lastEventId]));
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) window.refused.push("closed"); };
  const socket = new WebSocket(`ws://${location.host}/ws?types=order:created&ticket=` + await ticket());
  socket.onmessage = event => {
    const said = JSON.parse(event.data);
    if (said.event) window.sockets.push([said.event.id, said.cursor]);
  };
})()
"""


async def test_an_event_source_of_a_browser_comes_back_by_itself_and_misses_nothing(
    up: Up, tmp_path: Path
) -> None:
    token = shopstream(up, "token", "--shop", "source-shop").stdout.decode().strip()
    async with Browser(tmp_path / "chromium") as page:
        await page.call("Page.navigate", url=up.told["api"])
        await page.until("document.readyState === 'complete'")
        await page.evaluate(LISTEN % token)
        await page.until("window.readies === 1")
        lines = b"".join(order(number, name="source") for number in range(3))
        assert shopstream(up, "produce", "-", stdin=lines).returncode == 0
        await page.until("window.seen.length === 3 && window.sockets.length === 3")
        assert await page.evaluate("JSON.stringify(window.seen)") == await page.evaluate(
            "JSON.stringify(window.sockets)"
        )
        os.kill(up.children()["api"], signal.SIGKILL)
        lines = b"".join(order(number, name="source") for number in range(3, 6))
        assert shopstream(up, "produce", "-", stdin=lines).returncode == 0
        await page.until("window.seen.length === 6", 40)
        ids = await page.evaluate("window.seen.map(one => one[0]).sort().join()")
        assert ids == ",".join(f"source-{number}" for number in range(6))
        assert await page.evaluate("window.refused.join()") == ""
        assert await page.evaluate("window.readies") == 2
        assert "HttpOnly" not in await page.evaluate("document.cookie")
        assert await page.evaluate("document.cookie") == ""


LISTEN_ON = """
(async () => {
  const token = "%s";
  const ticket = async () => (await (await fetch("/auth/ticket",
    { method: "POST", headers: { Authorization: `Bearer ${token}` } })).json()).ticket;
  window.seen = []; window.sockets = []; window.resets = []; window.ready = 0;
  const source = new EventSource("/events?types=order:created&ticket=" + await ticket());
  source.addEventListener("stream:ready", () => window.ready++);
  source.addEventListener("stream:reset", event => window.resets.push(event.data));
  source.addEventListener("order:created", event => window.seen.push(JSON.parse(event.data).id));
  const mine = await ticket();
  let cursor = "";
  const connect = () => {
    const since = cursor && "&cursor=" + encodeURIComponent(cursor);
    const socket = new WebSocket(`ws://${location.host}/ws?types=order:created&ticket=${mine}${since}`);
    socket.onmessage = event => {
      const said = JSON.parse(event.data);
      cursor = said.cursor || cursor;
      if (said.event) window.sockets.push(said.event.id);
      else if (said.control === "stream:ready") window.ready++;
      else if (said.control === "stream:reset") window.resets.push(said.reason);
    };
    socket.onclose = () => setTimeout(connect, 50);
  };
  connect();
})()
"""


async def test_a_browser_behind_a_network_that_cuts_misses_nothing_and_repeats_nothing(
    up: Up, tmp_path: Path
) -> None:
    token = shopstream(up, "token", "--shop", "cut-shop").stdout.decode().strip()
    proxy = CuttingProxy(urlsplit(up.told["api"]).port or 0, random.Random(5), (0.3, 1.5))
    proxy.cutting = False
    async with proxy as port, Browser(tmp_path / "chromium") as page:
        await page.call("Page.navigate", url=f"http://127.0.0.1:{port}")
        await page.until("document.readyState === 'complete'")
        proxy.cutting = True
        await page.evaluate(LISTEN_ON % token)
        await page.until("window.ready >= 2")
        lines = b"".join(order(n, name="cut") for n in range(120))
        produced = asyncio.to_thread(shopstream, up, "produce", "-", "--rate", "20", stdin=lines)
        assert (await produced).returncode == 0
        proxy.cutting = False
        await page.until("window.seen.length >= 120 && window.sockets.length >= 120", 40)
        cuts, expected = proxy.cuts, sorted(f"cut-{n}" for n in range(120))
        for name in ("seen", "sockets"):
            found = json.loads(await page.evaluate(f"JSON.stringify(window.{name})"))
            assert sorted(found) == expected, (name, cuts)
        assert await page.evaluate("window.resets.join()") == ""
        assert cuts >= 3


async def test_the_examples_of_the_page_about_push(up: Up, tmp_path: Path) -> None:
    page_text = (Path(__file__).parents[3] / "docs" / "push.md").read_text()
    part = page_text[page_text.index("\n## In a browser\n") : page_text.index("\n## Socket.IO\n")]
    snippets = re.findall(r"^```js\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
    token = shopstream(up, "token", "--shop", "snippet-shop").stdout.decode().strip()
    async with Browser(tmp_path / "chromium") as page:
        await page.call("Page.navigate", url=up.told["api"])
        await page.until("document.readyState === 'complete'")
        for number, snippet in enumerate(snippets):
            given = f"const token = {json.dumps(token)}, fetchEverythingAgain = () => {{}};"
            given += f"window.seen{number} = []; const show = event => window.seen{number}.push(event.id);"
            await page.evaluate(
                f"(async () => {{ {given}\n{snippet}\nwindow.up{number} = true; }})()"
            )
            await page.until(f"window.up{number}")
        value = order(77, name="snippet")
        seen = "seen0.includes('snippet-77') && seen1.includes('snippet-77')"
        while not await page.evaluate(seen):
            assert shopstream(up, "produce", "-", stdin=value).returncode == 0
            await asyncio.sleep(0.2)
    assert len(snippets) == 2
