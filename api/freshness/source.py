"""What this process knows, at an instant, of how far a shop's reports are."""

from datetime import datetime
from typing import NamedTuple, Protocol

from shopstream.contracts.notices import Days


class Freshness(NamedTuple):
    """Attributes:
    version: another number once anything more of the shop is in the reports, and after every gap in reading
        what the pipeline says. None: nothing is known of the pipeline, or what it says cannot be read.
    changes: another number after each notice that the shop's reports changed, and after every gap in
        reading notices.
    as_of: everything that reached Kafka before this (UTC) is in the reports.
    heard: whether notices came lately.
    """

    version: int | None
    changes: int
    as_of: datetime | None
    heard: bool


class FreshnessSource(Protocol):
    """Where that is known from: `FreshnessTracker`, as far as what the pipeline says can be read."""

    def freshness(self, shop: str, /) -> Freshness: ...

    def changed_days(self, shop: str, kind: str, version: int, /) -> Days:
        """What the progress messages since that version named: days in which numbers of a kind of
        `contracts.notices` may be others than then. None: any day, or all of the shop; of a kind without days it may be
        another."""
