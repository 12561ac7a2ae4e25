"""The examples of docs/push.md, run as they stand there."""

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest

from support import foreign
from support.events import Sent
from support.system import System

PAGE = Path(__file__).parents[3] / "docs" / "push.md"
AT = "2026-11-22T10:15:30Z"


def examples(language: str, title: str) -> list[str]:
    text = PAGE.read_text()
    part = text[text.index(f"\n## {title}\n") :]
    end = part.find("\n## ", 5)
    return re.findall(rf"^```{language}\n(.*?)^```$", part[:end], re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module", autouse=True)
def api(system: System) -> None:
    system.start_api()


async def lines(system: System, shop: str, *command: str) -> str:
    """What a program prints of an event that comes while it listens."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    data = {"productId": "tea", "quantity": 7, "updatedAt": AT}
    head = {"specversion": "1.0", "source": "/page", "type": "inventory:updated"}
    try:
        assert process.stdout
        for number in range(100):
            event = {**head, "id": f"e{number}", "shopid": shop, "data": data}
            sent = Sent(f"{shop}/tea".encode(), json.dumps(event).encode(), topic="shop.inventory")
            await asyncio.to_thread(system.produce, [sent])
            try:
                line = await asyncio.wait_for(process.stdout.readline(), 0.2)
            except TimeoutError:
                continue
            return line.decode().strip()
        raise AssertionError("nothing came")
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("title", ["In Python", "By hand"])
async def test_the_examples_in_python(title: str, system: System, tmp_path: Path) -> None:
    (text,) = examples("python", title)
    program = tmp_path / "listen.py"
    program.write_text(text)
    url, token = f"http://127.0.0.1:{system.port}", system.token("page-py", role="staff")
    line = await lines(system, "page-py", sys.executable, str(program), url, token)
    assert line == "inventory:updated tea 7"


async def test_the_example_of_socketio(system: System, tmp_path: Path) -> None:
    source = Path(__file__).with_name("node")
    folder = foreign.made(source, ("node", "npm"), foreign.node)
    (text,) = examples("js", "Socket.IO")
    given = "const [url, token, shopId] = process.argv.slice(2);\n"
    given += (
        "const show = (level, meta) => console.log(level.productId, level.quantity, meta.id[0]);\n"
    )
    program = folder / "page.mjs"
    program.write_text(text.replace("\n\n", f"\n{given}\n", 1))
    url, token = f"http://127.0.0.1:{system.port}", system.token("page-io", role="staff")
    line = await lines(system, "page-io", "node", str(program), url, token, "page-io")
    assert line == "tea 7 e"
