"""A headless Chromium, driven over the Chrome DevTools Protocol."""

import asyncio
import base64
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1000",
    "--remote-debugging-port=0",
)


def find_chromium() -> str:
    """The program; without one the test is skipped at home and fails in CI."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        tell = pytest.fail if os.environ.get("CI") else pytest.skip
        tell("no Chromium on this machine")
    return found


class Browser:
    """One page. Use as `async with Browser(directory)`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._calls = 0

    async def __aenter__(self) -> Self:
        self._process = subprocess.Popen(
            [find_chromium(), *FLAGS, f"--user-data-dir={self._directory}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = await self._port()
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json") as answer:
            pages = [one for one in await answer.json() if one["type"] == "page"]
        self._socket = await self._session.ws_connect(
            pages[0]["webSocketDebuggerUrl"], max_msg_size=0
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        self._process.kill()
        self._process.wait(10)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._calls += 1
        await self._socket.send_json({"id": self._calls, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json(timeout=20)
            if message.get("id") == self._calls:
                assert "error" not in message, message
                found: dict[str, Any] = message["result"]
                return found

    async def evaluate(self, script: str) -> Any:
        result = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return result["result"].get("value")

    async def until(self, script: str, seconds: float = 20) -> Any:
        """The first true value of a script."""
        async with asyncio.timeout(seconds):
            while not (value := await self.evaluate(script)):
                await asyncio.sleep(0.05)
        return value

    async def screenshot(self, path: Path) -> None:
        result = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(result["data"]))

    async def _port(self) -> str:
        told = self._directory / "DevToolsActivePort"
        async with asyncio.timeout(30):
            while not told.exists() or not told.read_text().strip():
                await asyncio.sleep(0.05)
        return told.read_text().splitlines()[0]
