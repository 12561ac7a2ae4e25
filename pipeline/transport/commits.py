"""Commits that say exactly what is acknowledged, and that end also without a broker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faust.transport.drivers import aiokafka as _driver
from faust.types import TP

from .books import Books
from .bounded import ends_within

COMMIT_SECONDS = 5.0
"""How long one commit may take while stopping or giving up partitions."""


class ExactCommits(_driver.Consumer):  # type: ignore[misc]
    """Commits the end of the acknowledged prefix of each partition, as the books say.

    The base class keeps lists of acknowledged offsets and of gaps between them; they stay empty.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.books = Books()
        self._anew: set[TP] = set()
        self._commit_stuck = False
        super().__init__(*args, **kwargs)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing to note: commits follow the order of delivery, not consecutive numbers."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> list[TP]:
        return [tp for tp in self.books if topics is None or tp in topics or tp.topic in topics]

    def _new_offset(self, tp: TP) -> int | None:
        for book in (self._acked.get(tp), self._acked_index.get(tp)):
            if book:
                book.clear()
        return self.books.unsaved(tp)

    def _should_commit(self, tp: TP, offset: int) -> bool:
        # The base class compares with the offset it tried last, also when that commit failed.
        return True

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        saved = bool(await super()._commit(offsets))
        if saved:
            self.books.saved(offsets)
            self._anew.difference_update(offsets)
        return saved

    async def commit_and_end_transactions(self) -> None:
        """Commit what is acknowledged, giving up after `COMMIT_SECONDS`."""
        await self._commit_within(COMMIT_SECONDS)

    async def _commit_within(self, seconds: float) -> None:
        if self._commit_stuck:  # no broker: do not wait the full time again and again
            seconds = min(seconds, 0.5)
        work = self.commit(start_new_transaction=False)
        self._commit_stuck = not await ends_within(max(0.1, seconds), work)
        if self._commit_stuck:
            self.log.warning("No commit within %.1fs: what it covers comes again", seconds)
