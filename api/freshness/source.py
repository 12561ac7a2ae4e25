"""What this process knows, at an instant, of how far a shop's reports are."""

from collections.abc import Set
from datetime import datetime
from typing import NamedTuple, Protocol


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

    def changed_days(self, shop: str, version: int, /) -> Set[int] | None:
        """What the progress messages since that version named: days (UTC, counted from 1970-01-01) in which the
        shop's sales, payments or sessions may be others than then. None: any day, time zone or currency."""
