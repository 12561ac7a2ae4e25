"""The books of all assigned partitions. Belongs to the app's event loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from faust.types import TP

from .book import Book, Progress
from .fetches import Sample


class Books:
    """One `Book` per assigned partition; what is reported of any other partition is dropped."""

    def __init__(self) -> None:
        self._books: dict[TP, Book] = {}

    def __iter__(self) -> Iterator[TP]:
        return iter(list(self._books))

    def get(self, tp: TP) -> Book | None:
        """The present book of a partition; another one after each seek and assignment."""
        return self._books.get(tp)

    def open(self, starts: Mapping[TP, int | None], anew: bool = False) -> None:
        """Begin new books at the given offsets (None: not known yet); `anew` commits them."""
        for tp, start in starts.items():
            self._books[tp] = Book(start, anew=anew)

    def close(self, tps: Iterable[TP]) -> None:
        """Forget partitions that were revoked: late acknowledgements have no effect."""
        for tp in list(tps):
            self._books.pop(tp, None)

    def fetched(self, samples: Iterable[Sample]) -> None:
        """Fetch responses arrived."""
        for sample in samples:
            book = self._books.get(sample.tp)
            if book is None:
                continue
            if book.behind(sample.asked):
                book = self._reopen(sample.tp, book, sample.asked)
            book.fetched(sample.asked_at, sample.asked, sample.log_end)

    def taken(self, ends: Mapping[TP, int]) -> None:
        """Records up to these offsets are on their way to the streams."""
        for tp, end in ends.items():
            if book := self._books.get(tp):
                book.taken(end)

    def unsaved(self, tp: TP) -> int | None:
        """The offset to commit for a partition, None if there is nothing to say."""
        book = self._books.get(tp)
        return book.ledger.unsaved() if book else None

    def saved(self, offsets: Mapping[TP, int]) -> None:
        """The broker confirmed these commits."""
        for tp, offset in offsets.items():
            if book := self._books.get(tp):
                book.ledger.saved(offset)

    def progress(self) -> dict[TP, Progress]:
        """How far each assigned partition with a known position is done."""
        told = ((tp, book.progress()) for tp, book in self._books.items())
        return {tp: progress for tp, progress in told if progress}

    def _reopen(self, tp: TP, old: Book, position: int) -> Book:
        # Thrown back (offset out of range): what was delivered before belongs to a log that is
        # gone, so its acknowledgements must not be committed on this one.
        told = old.progress()
        book = self._books[tp] = Book(position, told.as_of if told else 0.0, anew=True)
        return book
