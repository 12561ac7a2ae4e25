"""The sums of shops' quarters of an hour, read once and kept: afterwards only the days that changed are read."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple

from shopstream.api.reports import quarters
from shopstream.api.reports.kept import PART_SECONDS, UNHEARD_SECONDS
from shopstream.api.reports.quarters import Currencies
from shopstream.api.standing import Known
from shopstream.clickhouse.client import Row
from shopstream.clickhouse.errors import EngineUnavailable

BYTES = 64 * 1024 * 1024
"""What is kept; beyond it the shop that was asked for least recently goes."""
ACCOUNT_BYTES, MONTH_BYTES = 1000, 800
"""Of each beside its rows."""
DAY_SECONDS = 86400
UNKNOWN = -1
"""A version before every other."""
_EPOCH = date(1970, 1, 1).toordinal()

Span = tuple[int, int]
"""Days (UTC, counted from 1970-01-01), from the first to before the last."""


Read = Callable[[str, int, int], Awaitable[bytes]]
"""Rows of a shop from one instant to before another (Unix seconds), as `quarters.read` takes them."""


class _Month(NamedTuple):
    """A calendar month (UTC): what was in the reports at a version of `Standing`, all of it read since `begun`."""

    version: int
    begun: float
    sums: Currencies


@dataclass(eq=False, slots=True)
class _Account:
    """One shop's months, by their first day; `fault` is of the last reading that failed, and when."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    months: dict[int, _Month] = field(default_factory=dict)
    size: int = 0
    fault: tuple[float, str] | None = None


class Ledger:
    """Reads whole months, and of a month that it has only the days that the pipeline's words say may have
    changed; so it has whatever those words have said. Nothing is kept while they cannot be read.
    """

    def __init__(
        self, read: Read, book: Known, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = read
        self._book = book
        self._clock = clock
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._bytes = 0

    async def sums(self, shop: str, marks: list[int]) -> list[Row]:
        """Sums between each of the marks (Unix seconds, rising) and the next, by the mark, in every currency.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        months = _months(marks[0], marks[-1])
        if self._book.standing(shop).version is None:
            return quarters.rows(quarters.read(await self._ask(shop, marks[0], marks[-1])), marks)
        account = self._accounts.setdefault(shop, _Account())
        self._accounts.move_to_end(shop)
        asked = self._clock()
        async with account.lock:
            if account.fault is not None and account.fault[0] >= asked:
                raise EngineUnavailable(account.fault[1])  # not one time-out after the other
            await self._renew(shop, account, months)
            found = quarters.joined(account.months[first].sums for first, _ in months)
        return quarters.rows(found, marks)

    async def _renew(self, shop: str, account: _Account, months: list[Span]) -> None:
        """Makes these months as new as what is known now."""
        standing, begun = self._book.standing(shop), self._clock()
        if standing.version is None:
            stale = months
        else:
            longest = PART_SECONDS if standing.heard else UNHEARD_SECONDS
            spans = (self._stale(shop, account, month, begun - longest) for month in months)
            stale = [span for span in spans if span]
        if stale:
            span = min(first for first, _ in stale), max(last for _, last in stale)
            try:
                found = await self._read(shop, span)
            except EngineUnavailable as error:
                account.fault = self._clock(), str(error)
                raise
            finally:
                self._weigh(shop, account)  # an account weighs something before it has anything
            account.fault = None
            self._put(account, months, span, found, begun)
        version = UNKNOWN if standing.version is None else standing.version
        for first, _ in months:
            account.months[first] = account.months[first]._replace(version=version)
        if stale:
            self._weigh(shop, account)

    def _stale(self, shop: str, account: _Account, month: Span, since: float) -> Span | None:
        """The days of a month that must be read, as one span."""
        first, last = month
        known = account.months.get(first)
        if known is None or known.begun <= since:
            return month
        touched = self._book.touched(shop, known.version)
        if touched is None:
            return month
        days = [day for day in touched if first <= day < last]
        return (min(days), max(days) + 1) if days else None

    async def _read(self, shop: str, span: Span) -> dict[str, quarters.Quarters]:
        start, end = (day * DAY_SECONDS for day in span)
        return quarters.read(await self._ask(shop, start, end))

    def _put(
        self, account: _Account, months: list[Span], span: Span, found: Currencies, begun: float
    ) -> None:
        start, end = (day * DAY_SECONDS for day in span)
        for first, last in months:
            low, high = first * DAY_SECONDS, last * DAY_SECONDS
            if low >= end or high <= start:
                continue
            part = quarters.between(found, low, high)
            if start > low or end < high:
                known = account.months[first]
                before = quarters.between(known.sums, low, start)
                after = quarters.between(known.sums, end, high)
                account.months[first] = known._replace(sums=quarters.joined([before, part, after]))
            else:
                account.months[first] = _Month(UNKNOWN, begun, part)

    def _weigh(self, shop: str, account: _Account) -> None:
        months = account.months.values()
        size = ACCOUNT_BYTES + sum(MONTH_BYTES + quarters.size(month.sums) for month in months)
        if self._accounts.get(shop) is account:
            self._bytes += size - account.size
            account.size = size
        while self._bytes > BYTES:
            _, gone = self._accounts.popitem(last=False)
            self._bytes -= gone.size


def _months(start: int, end: int) -> list[Span]:
    """The months that hold the instants from `start` to before `end`."""
    day = datetime.fromtimestamp(start, UTC).date().replace(day=1)
    found: list[Span] = []
    while not found or _number(day) * DAY_SECONDS < end:
        following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        found.append((_number(day), _number(following)))
        day = following
    return found


def _number(day: date) -> int:
    return day.toordinal() - _EPOCH
