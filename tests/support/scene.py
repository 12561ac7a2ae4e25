"""A system together with the book of everything that was ever sent to it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from oracle.alerts import compare_alerts
from oracle.book import Book
from oracle.compare import (
    compare_bodies,
    compare_letters,
    compare_reports,
    compare_tables,
    place_of,
)
from oracle.report import Reports
from support.alerts import Published
from support.events import Refusal, Sent
from support.kafka import Place
from support.system import PARTITIONS, System, exact


class Scene:
    """What is sent here is also written into the book; the checks compare both, to the last decimal."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.book = Book()
        self.sent: dict[Place, tuple[Sent, Refusal | None]] = {}

    def send(self, records: Sequence[Sent]) -> list[Place]:
        """Returns once the broker has them; `settle` or a check waits until they are in the tables."""
        places = self.system.produce(records)
        self.note(records, places)
        return places

    def note(self, records: Sequence[Sent], places: Sequence[Place]) -> None:
        """What was produced elsewhere, in the order of arrival."""
        for sent, place in zip(records, places, strict=True):
            self.sent[place] = (sent, self.book.take(sent))

    def forget_places(self) -> None:
        """The broker lost its records: their places will mean others."""
        self.sent.clear()

    def check(self, shops: Iterable[str] | None = None) -> None:
        """Every table with every row, and the names of products, once all is in."""
        self.system.caught_up()
        self.compare(shops)

    def compare(self, shops: Iterable[str] | None = None) -> None:
        """The same now."""
        found = compare_tables(self.system.sql, self.book, shops)
        assert not found, f"{len(found)} differences:\n" + "\n".join(found[:20])

    def check_letters(self, places: Iterable[Place] | None = None) -> None:
        """The dead letters of these records, or all there are, with all their fields."""
        self.system.settle()  # reports do not wait for letters
        chosen = set(self.sent if places is None else places)
        sent = {place: told for place, told in self.sent.items() if place in chosen}
        reads = {read.place: read for read in self.system.kafka.read(self.system.ends)}
        letters = [
            letter
            for letter in self.system.dead_letters()
            if places is None or "count" in letter["data"] or place_of(letter) in chosen
        ]
        found = compare_letters(letters, sent, reads, self.sent)
        assert not found, f"{len(found)} differences:\n" + "\n".join(found[:20])

    def published(self) -> list[dict[str, Any]]:
        """What is on the alerts' topic, of every shop: at least as many as there must be."""
        self.system.caught_up()
        published = Published(self.system.bootstrap, PARTITIONS)
        try:
            return published.until(len(self.book.crossings))
        finally:
            published.close()

    def check_alerts(self) -> None:
        """Every crossing was published under one id, and nothing else was."""
        found = compare_alerts(self.published(), self.book)
        assert not found, f"{len(found)} differences:\n" + "\n".join(found[:20])

    def check_reports(self, shops: Iterable[str] | None = None, step: int = 1) -> int:
        """Every `step`th daily report with an order in it, over HTTP; how many that were."""
        dates = Reports(self.book).dates
        chosen = sorted(dates if shops is None else dates.keys() & set(shops))
        wanted = [(shop, day) for shop in chosen for day in sorted(dates[shop])][::step]
        found = compare_reports(self.system.reader(chosen), self.book, wanted)
        assert not found, f"{len(found)} differences:\n" + "\n".join(found[:20])
        return len(wanted)

    def check_all_reports(self, shop: str, dates: Iterable[date]) -> None:
        """The five reports and the stock, as a whole, of these dates and of today."""
        found = compare_bodies(self.ask, self.book, shop, dates, datetime.now(UTC))
        assert not found, f"{len(found)} differences:\n" + "\n".join(found[:20])

    def ask(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """A body with exact numbers, as an admin of the shop."""
        status, body = self.system.get(f"{path}?{urlencode(query)}", [query["shopId"]])
        assert status == 200, (path, query, status, body)
        found: dict[str, Any] = exact(body)
        return found
