"""Which days a report over many of them is about."""

from dataclasses import dataclass
from datetime import date

from api.reports.days import DAY

DEFAULT_DAYS, MOST_DAYS = 30, 366


@dataclass(frozen=True, slots=True)
class Span:
    """Some days up to today, or from `first` to `last`, where those are given."""

    days: int = DEFAULT_DAYS
    first: date | None = None
    last: date | None = None

    def dates(self, today: date) -> tuple[date, date]:
        """The first and the last local date."""
        if self.first is not None and self.last is not None:
            return self.first, self.last
        return today - DAY * (self.days - 1), today


LAST_DAYS = Span()
"""By default."""
