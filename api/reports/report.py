"""What the reports have in common: a question, cut into parts for a time zone, and its body. Pure."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from api.reports import money
from api.reports.profile import Profile
from api.reports.totals import Body, Sums, read_sums
from clickhouse.client import Row


@dataclass(frozen=True, slots=True)
class Cut:
    """A period of local dates, `first` to `last`, and the instants (UTC) at which its sums are cut.

    The period is from mark `since` to the last one; marks before it are for comparison.
    """

    first: date
    last: date
    marks: Sequence[datetime]
    since: int = 0

    @property
    def start(self) -> datetime:
        """The first instant of the period."""
        return self.marks[self.since]

    @property
    def end(self) -> datetime:
        """The instant after its last."""
        return self.marks[-1]


class Paid(NamedTuple):
    """Payments of a period in the shop's currency."""

    number: int
    amount: Decimal


NONE_PAID = Paid(0, money.ZERO)


class Payments(NamedTuple):
    """What was received, and what failed."""

    received: Paid = NONE_PAID
    failed: Paid = NONE_PAID


@dataclass(frozen=True, slots=True)
class Facts:
    """Rows as the statements of sql/reports give them.

    `names` by product; one without a name may be missing. `payments` None: nothing was asked.
    """

    sales: Sequence[Row] = ()
    top: Sequence[Row] = ()
    names: Mapping[str, str | None] = field(default_factory=dict)
    sessions: int = 0
    payments: Payments | None = None


class Report(Hashable, Protocol):
    """One question. `needs` names what is read beside the sales: `top`, `sessions`, `payments`."""

    @property
    def needs(self) -> frozenset[str]: ...

    def cut(self, today: date, zone: ZoneInfo) -> Cut:
        """The period that is asked about."""

    def head(self, cut: Cut) -> Body:
        """The fields that say which period it is."""

    def fields(self, cut: Cut, sums: Sums, facts: Facts, zone: ZoneInfo) -> Body:
        """Every field of its own but those."""


def report_body(
    report: Report, shop: str, now: datetime, profile: Profile, cut: Cut, facts: Facts
) -> Body:
    """The body without `asOf`; `now` decides whether the period is over."""
    sums = read_sums(facts.sales, cut.marks, cut.since, profile.currency)
    return {
        "shopId": shop,
        **report.head(cut),
        "currency": profile.currency,
        "timezone": profile.zone.key,
        "partial": now < cut.end,
        **report.fields(cut, sums, facts, profile.zone),
        "otherCurrencies": sums.other_currencies(),
    }


def top_products(facts: Facts) -> list[Body]:
    """The best products, as the rows have them."""
    return [
        {
            "productId": row["product_id"],
            "name": facts.names.get(row["product_id"]),
            "quantity": row["quantity"],
            "revenue": money.number(Decimal(row["revenue"])),
        }
        for row in facts.top
    ]
