"""What each statement of the product costs: its methods noted, one at a time, with what the engine says of itself."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import astuple, dataclass, field
from functools import partial
from typing import Any

from clickhouse.client import Address, ClickHouseClient
from shopbench.output import Row
from shopbench.processes import Child


@dataclass
class Spent:
    """Sums over all times; seconds. `inside`: what the engine says it took."""

    times: int = 0
    wall: float = 0.0
    inside: float = 0.0
    engine: float = 0.0
    client: float = 0.0
    read: int = 0
    written: int = 0

    def row(self, what: str, of: int) -> Row:
        """Milliseconds for each of so many."""
        names = ("wall", "inside", "engine", "client")
        return {
            "what": what,
            "statements": self.times / of,
            **{f"{name} ms": getattr(self, name) * 1000 / of for name in names},
            "rows read": round(self.read / of),
            "rows written": round(self.written / of),
        }


@dataclass
class Book:
    """What was spent, by what it was spent on, one thing at a time; `on`: whether it counts."""

    process: Child
    spent: dict[str, Spent] = field(default_factory=dict)
    on: bool = False
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _now: Spent = field(default_factory=Spent)

    async def note(self, what: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Does it, and writes down what it took."""
        async with self._turn:
            self._now = self.spent.setdefault(what, Spent()) if self.on else Spent()
            before = self._clocks()
            answer = await work()
            for name, a, b in zip(
                ("wall", "client", "engine"), before, self._clocks(), strict=True
            ):
                setattr(self._now, name, getattr(self._now, name) + b - a)
            return answer

    def heard(self, summary: dict[str, str]) -> None:
        """The summary of one statement."""
        self._now.times += 1
        self._now.inside += int(summary.get("elapsed_ns", 0)) / 1e9
        self._now.read += int(summary.get("read_rows", 0))
        self._now.written += int(summary.get("written_rows", 0))

    def _clocks(self) -> tuple[float, float, float]:
        return time.perf_counter(), time.process_time(), self.process.cpu()


class Listening(ClickHouseClient):
    """An engine whose summaries are heard. The driver has no name for that: its way to the server is replaced."""

    def __init__(self, address: Address, book: Book) -> None:
        super().__init__(address)
        self._book = book

    async def _connected(self) -> Any:
        client = await super()._connected()
        server: Any = client._backend
        request = server.request

        async def heard(*given: Any, **named: Any) -> Any:
            response = await request(*given, **named)
            self._book.heard(json.loads(response.headers.get("X-ClickHouse-Summary", "{}")))
            return response

        server.request = heard
        return client


def watch(made: Any, prefix: str, book: Book) -> Any:
    """Each public method of an object is noted from now on."""
    for name in [name for name in dir(type(made)) if not name.startswith("_")]:
        method = getattr(made, name)
        setattr(made, name, _noted(method, f"{prefix}{name}", book))
    return made


def _noted(method: Callable[..., Awaitable[Any]], what: str, book: Book) -> Any:
    async def call(*given: Any) -> Any:
        return await book.note(what, partial(method, *given))

    return call


def total(several: Iterable[Spent]) -> Spent:
    """All of them as one."""
    return Spent(*map(sum, zip(*map(astuple, several), strict=True)))
