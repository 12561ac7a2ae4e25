"""What the reports have in common: a question, its period in a time zone, its sums and its body. Pure."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from api.reports import money
from api.reports.profiles import Profile
from clickhouse.client import Row
from shopstream.contracts.currencies import LEAST_DECIMALS, average_decimals

Body = dict[str, Any]


class Totals(NamedTuple):
    """Sums over some 15-minute buckets in one currency."""

    revenue: Decimal = money.ZERO
    orders: int = 0
    items: Decimal = money.ZERO
    gross: Decimal = money.ZERO
    refunds: int = 0
    refunded: Decimal = money.ZERO

    def plus(self, other: "Totals") -> "Totals":
        """The exact sum of both."""
        return Totals(
            money.add(self.revenue, other.revenue),
            self.orders + other.orders,
            money.add(self.items, other.items),
            money.add(self.gross, other.gross),
            self.refunds + other.refunds,
            money.add(self.refunded, other.refunded),
        )

    def body(self) -> Body:
        """As every entry of a breakdown carries it."""
        return {
            "totalRevenue": money.number(self.revenue),
            "totalOrders": self.orders,
            "totalItems": money.number(self.items),
        }

    def before_refunds(self) -> Body:
        """`grossRevenue`, and the refunds made in the period."""
        return {
            "grossRevenue": money.number(self.gross),
            "refunds": {"count": self.refunds, "amount": money.number(self.refunded)},
        }

    def whole(self, decimals: int) -> Body:
        """As a report carries it for its whole period, with averages rounded to so many decimals."""
        average = money.average(self.revenue, self.orders, decimals)
        return {
            **self.body(),
            "averageOrderValue": money.number(average),
            **self.before_refunds(),
        }

    def __bool__(self) -> bool:
        return bool(self.orders or self.items or self.revenue)


NOTHING = Totals()


def entries(label: str, texts: Iterable[str], parts: Iterable[Totals]) -> list[Body]:
    """A breakdown, in the order of the parts: `label` and its text, `totalRevenue`, `totalOrders`, `totalItems`."""
    return [
        {
            label: text,
            "totalRevenue": money.number(revenue),
            "totalOrders": orders,
            "totalItems": money.number(items),
        }
        for text, (revenue, orders, items, *_) in zip(texts, parts, strict=True)
    ]


@dataclass(slots=True)
class Sums:
    """`parts` in the shop's currency, one between two boundaries; `others` by currency, over the period. `revised`,
    `refunds_revised`: when orders and refunds last changed its numbers, in any currency; Unix seconds, 0 for never.
    `decimals` are those of averages in the shop's currency."""

    parts: list[Totals]
    others: dict[str, Totals] = field(default_factory=dict)
    revised: int = 0
    refunds_revised: int = 0
    decimals: int = LEAST_DECIMALS

    def total(self, start: int = 0, end: int | None = None) -> Totals:
        """Of the parts from `start` to before `end`."""
        if not (parts := self.parts[start:end]):
            return NOTHING
        revenues, orders, items, gross, refunds, refunded = zip(*parts, strict=True)
        return Totals(
            money.total(revenues),
            sum(orders),
            money.total(items),
            money.total(gross),
            sum(refunds),
            money.total(refunded),
        )

    def other_currencies(self) -> list[Body]:
        """Sorted; one without anything in it is left out."""
        found = sorted(self.others.items())
        return [{"currency": code, **sums.body()} for code, sums in found if sums]


def read_sums(
    rows: Iterable[Row], boundaries: Sequence[datetime], since: int, currency: str | None
) -> Sums:
    """Args:
        rows: `begin` (Unix seconds, one of the boundaries), `currency`, and the numbers of `sums.sum_rows`.
        since: the boundary at which the period begins; the ones before it are for comparison.

    Of two boundaries at the same instant (a day that the zone skips) the later one begins the part.
    """
    parts, others = [NOTHING] * (len(boundaries) - 1), dict[str, Totals]()
    index = {int(boundary.timestamp()): number for number, boundary in enumerate(boundaries[:-1])}
    revised = refunds_revised = 0
    for row in rows:
        part = Totals(
            Decimal(row["revenue"]),
            row["orders"],
            Decimal(row["items"]),
            Decimal(row["gross"]),
            row["refunds"],
            Decimal(row["refunded"]),
        )
        number, code = index[row["begin"]], row["currency"]
        if number >= since:
            revised = max(revised, row["revised"])
            refunds_revised = max(refunds_revised, row["refunds_revised"])
        if code == currency:
            known = parts[number]
            parts[number] = part if known is NOTHING else known.plus(part)
        elif number >= since:
            others[code] = others.get(code, NOTHING).plus(part)
    return Sums(parts, others, revised, refunds_revised, average_decimals(currency))


@dataclass(frozen=True, slots=True)
class Period:
    """A period of local dates, `first` to `last`, and the instants (UTC) between which it is summed.

    The period is from boundary `since` to the last one; boundaries before it are for comparison.
    """

    first: date
    last: date
    boundaries: Sequence[datetime]
    since: int = 0

    @property
    def start(self) -> datetime:
        """The first instant of the period."""
        return self.boundaries[self.since]

    @property
    def end(self) -> datetime:
        """The instant after its last."""
        return self.boundaries[-1]


class Paid(NamedTuple):
    """Payments of a period in the shop's currency."""

    number: int
    amount: Decimal


NONE_PAID = Paid(0, money.ZERO)


class Payments(NamedTuple):
    """What was received, and what failed."""

    received: Paid = NONE_PAID
    failed: Paid = NONE_PAID
    revised: int = 0
    """When their numbers last changed, Unix seconds; 0 for never."""


@dataclass(frozen=True, slots=True)
class ReportData:
    """Rows as the statements of sql/reports give them.

    `names` by product; one without a name may be missing. `payments` None: they were not read. `parts` of totals, by
    name, and when they last changed, Unix seconds.
    """

    sales: Sequence[Row] = ()
    top: Sequence[Row] = ()
    names: Mapping[str, str | None] = field(default_factory=dict)
    sessions: int = 0
    payments: Payments | None = None
    parts: Mapping[str, Decimal] = field(default_factory=dict)
    parts_revised: int = 0


class Report(Hashable, Protocol):
    """One question. `needs` names what is read beside the sales: `top`, `sessions`, `payments`, `parts`."""

    @property
    def needs(self) -> frozenset[str]: ...

    def period(self, today: date, zone: ZoneInfo) -> Period:
        """The period of the question, today in the shop being `today`."""

    def head(self, period: Period) -> Body:
        """The fields that say which period it is."""

    def fields(self, period: Period, sums: Sums, data: ReportData, zone: ZoneInfo) -> Body:
        """Every field of its own but those."""


def report_body(
    report: Report, shop: str, now: datetime, profile: Profile, period: Period, data: ReportData
) -> Body:
    """The body without `asOf`; `now` decides whether the period is over."""
    sums = read_sums(data.sales, period.boundaries, period.since, profile.currency)
    return {
        "shopId": shop,
        **report.head(period),
        "currency": profile.currency,
        "timezone": profile.zone.key,
        "partial": now < period.end,
        **report.fields(period, sums, data, profile.zone),
        "otherCurrencies": sums.other_currencies(),
        **revisions(period, sums, data),
    }


def revisions(period: Period, sums: Sums, data: ReportData) -> Body:
    """`revisedAt` and `revised`: when the numbers of a period last changed after it had ended, or null."""
    paid = data.payments.revised if data.payments else 0
    orders = max(sums.revised, data.parts_revised)
    seconds = {"orders": orders, "refunds": sums.refunds_revised, "payments": paid}
    end = period.end.timestamp()
    late = {kind: at if at >= end else 0 for kind, at in seconds.items()}
    return {
        "revisedAt": _instant(max(late.values())),
        "revised": {kind: _instant(at) for kind, at in late.items()},
    }


def _instant(seconds: int) -> str | None:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}" if seconds else None


def top_products(data: ReportData) -> list[Body]:
    """The best products, as the rows have them."""
    return [
        {
            "productId": row["product_id"],
            "name": data.names.get(row["product_id"]),
            "quantity": money.number(Decimal(row["quantity"])),
            "revenue": money.number(Decimal(row["revenue"])),
        }
        for row in data.top
    ]
