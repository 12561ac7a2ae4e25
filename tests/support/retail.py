"""The invoices of `online_retail.parquet` as records; the mapping is told in tests/e2e/test_retail.py."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from support.events import Refusal, Sent, encode

FILE = Path(__file__).parents[3] / "shared" / "data" / "online_retail.parquet"
MOST_ITEMS = 1000

Filters = list[Any] | None
"""As pyarrow reads them; None are all lines."""
Product = tuple[str, float]
"""Stock code and unit price: only the same product at the same price is a return of it."""


@dataclass
class Invoice:
    number: str
    shop: str
    customer: str | None
    at: datetime
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_cancellation(self) -> bool:
        return self.number.startswith("C")


@dataclass
class Open:
    """An order that was made of an invoice, and what of it was not returned yet."""

    invoice: Invoice
    items: list[dict[str, Any]]
    left: Counter[Product]
    revision: int = 0

    def holds(self, returned: Counter[Product], at: datetime) -> bool:
        return self.invoice.at <= at and all(self.left[p] >= n for p, n in returned.items())

    def give_back(self, returned: Counter[Product]) -> None:
        """Line by line, from the first that has the product."""
        self.left -= returned
        self.revision += 1
        for line in self.items:
            product = (line["productId"], line["unitPrice"])
            count = min(returned[product], line["quantity"] - line["refundedQuantity"])
            line["refundedQuantity"] += count
            returned[product] -= count


@dataclass
class Retail:
    """Records in the order of the invoices, and what became of each kind of invoice."""

    records: list[Sent]
    counts: Counter[str]
    first: date
    last: date


def read(chosen: Callable[[Invoice], bool], lines: Filters = None) -> Retail:
    """The records of the invoices that are chosen, whose `lines` are among these; the same each time."""
    counts: Counter[str] = Counter()
    records, known = [], defaultdict(list)
    dates = set()
    for invoice in filter(chosen, _invoices(lines)):
        kind, record = _record(invoice, known)
        counts[kind] += 1
        records.append(record)
        dates.add(invoice.at.date())
    return Retail(records, counts, min(dates), max(dates))


AUGUST = [("InvoiceDate", ">=", datetime(2011, 8, 1)), ("InvoiceDate", "<", datetime(2011, 9, 1))]
"""35,284 lines of 541,909, and both that have a price below 0."""


def cells(whole: bool) -> Iterator[dict[str, str]]:
    """The lines of the file, or of a month, as the cells of a CSV file, money as it was printed."""
    for row in pq.read_table(FILE, filters=None if whole else AUGUST).to_pylist():
        yield {name: "" if value is None else str(value) for name, value in row.items()}


def _invoices(lines: Filters) -> Iterator[Invoice]:
    found: dict[str, Invoice] = {}
    for row in pq.read_table(FILE, filters=lines).to_pylist():
        number = row["InvoiceNo"]
        shop = row["Country"].lower().replace(" ", "-")
        # the first line dates the invoice: some were written over a minute
        invoice = found.setdefault(
            number, Invoice(number, shop, row["CustomerID"], row["InvoiceDate"])
        )
        line = {"productId": row["StockCode"], "quantity": row["Quantity"]}
        line |= {"unitPrice": row["UnitPrice"]}
        if row["Description"] is not None:
            line["name"] = row["Description"]
        invoice.lines.append(line)
    yield from found.values()


def _record(invoice: Invoice, known: dict[Any, list[Open]]) -> tuple[str, Sent]:
    if invoice.is_cancellation:
        return _cancellation(invoice, known)
    refusal = _refusal(invoice.lines)
    if refusal is None and invoice.customer is not None:
        left: Counter[Product] = Counter()
        for line in invoice.lines:
            left[line["productId"], line["unitPrice"]] += line["quantity"]
        items = [{**line, "refundedQuantity": 0} for line in invoice.lines]
        known[invoice.shop, invoice.customer].append(Open(invoice, items, left))
    return ("refused" if refusal else "order"), _event(
        invoice, invoice, "completed", invoice.lines, 0, refusal
    )


def _refusal(lines: list[dict[str, Any]]) -> Refusal | None:
    """The first rule that the lines break, as printed."""
    if len(lines) > MOST_ITEMS:
        return Refusal("bad_value", "data.items")
    for number, line in enumerate(lines):
        if line["quantity"] <= 0:
            return Refusal("bad_value", f"data.items[{number}].quantity")
        if line["unitPrice"] < 0:
            return Refusal("bad_value", f"data.items[{number}].unitPrice")
    return None


def _cancellation(invoice: Invoice, known: dict[Any, list[Open]]) -> tuple[str, Sent]:
    returned: Counter[Product] = Counter()
    for line in invoice.lines:
        returned[line["productId"], line["unitPrice"]] += -line["quantity"]
    for order in reversed(known.get((invoice.shop, invoice.customer), ())):
        if order.holds(returned, invoice.at):
            order.give_back(returned)
            whole = not +order.left
            status = "cancelled" if whole else "completed"
            event = _event(order.invoice, invoice, status, order.items, order.revision)
            return ("returned whole" if whole else "returned in part"), event
    lines = [{**line, "quantity": -line["quantity"]} for line in invoice.lines]
    return "cancelled alone", _event(invoice, invoice, "cancelled", lines, 0, _refusal(lines))


def _event(
    order: Invoice,
    cause: Invoice,
    status: str,
    items: list[dict[str, Any]],
    revision: int,
    refusal: Refusal | None = None,
) -> Sent:
    data = {
        "orderId": order.number,
        "status": status,
        "currency": "GBP",
        "createdAt": f"{order.at.isoformat()}Z",
        "updatedAt": f"{cause.at.isoformat()}Z",
        "revision": revision,
        "items": items,
    }
    if order.customer is not None:
        data["customerId"] = order.customer
    event = {
        "specversion": "1.0",
        "id": cause.number,
        "source": "/invoices",
        "type": "order:created" if order is cause else "order:updated",
        "time": f"{cause.at.isoformat()}Z",
        "shopid": order.shop,
        "data": data,
    }
    return Sent(f"{order.shop}/{order.number}".encode(), encode(event), refusal)
