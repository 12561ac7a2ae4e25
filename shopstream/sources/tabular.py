"""Rows of any table as orders, by a map from the contract's fields to the table's columns. Pure."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from shopstream.contracts.order import STATUSES
from shopstream.contracts.values import Invalid
from shopstream.contracts.values import timezone as check_timezone
from shopstream.contracts.zones import zone_of
from shopstream.sources.mapped import (
    SHOWN,
    Event,
    Shop,
    money,
    nonzero,
    number,
    present,
    product,
    total,
    unit_price,
)

_T = TypeVar("_T")
OF_ORDER = ("orderId", "createdAt", "placedAt", "updatedAt", "status", "currency", "customerId")
OF_LINE = ("productId", "name", "variantId", "category", "unit")
NUMBERS = ("quantity", "unitPrice", "total", "discount", "tax")
FIELDS = (*OF_ORDER, *OF_LINE, *NUMBERS)
"""What a column can be mapped to."""
REQUIRED = ("orderId", "createdAt", "productId", "quantity")
OPTIONS = ("currency", "status", "timezone", "dateFormat", "cancelledPrefix", "decimal")
"""Constants of a map, beside `columns` and `statuses`."""
_GROUPED = re.compile(r"-?\d{1,3}(?: \d{3})+(?:\.\d+)?|-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_PLAIN = re.compile(r"-?(?:\d{1,13})?(?:\.\d{1,8})?", re.ASCII)
_SWAPPED = str.maketrans(",.", ".,")
_BLANKS = str.maketrans("\u00a0\u2009\u202f", "   ")
"""Those that spreadsheets write between thousands."""


class BadMap(ValueError):
    """A map that is not usable; `str()` names the entry and the rule."""


class RowFault(ValueError):
    """A row that no order can be made of: `row` as a spreadsheet counts, `str()` names the column and the rule."""

    def __init__(self, row: int, rule: str) -> None:
        super().__init__(rule)
        self.row = row


class Row(NamedTuple):
    """`number` as a spreadsheet counts: the row of the column names is 1."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """`columns`: a field of the contract -> the column that has it; `statuses`: a cell -> a status of the contract.

    `currency` and `status` hold where there is no column; `timezone` is that of times without offset. Orders whose id
    begins with `cancelled_prefix` are cancelled. `decimal` is the sign before the decimals; the other one may group.
    """

    columns: Mapping[str, str]
    statuses: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    status: str = "completed"
    timezone: str | None = None
    date_format: str | None = None
    cancelled_prefix: str | None = None
    decimal: str = "."


def column_map(document: Mapping[str, Any], header: Sequence[str]) -> ColumnMap:
    """The map that a document says: `columns`, `statuses` and `OPTIONS`, for a table with these columns.

    Raises:
        BadMap: an entry is unknown, missing or of another kind, or the table has no such column.
    """
    columns, statuses = _texts(document, "columns"), _texts(document, "statuses")
    options = {name: document[name] for name in OPTIONS if document.get(name) is not None}
    for name in document.keys() - {"columns", "statuses", *OPTIONS}:
        raise BadMap(f"{name} is no entry of a map{_nearest(name, ('columns', *OPTIONS))}")
    for name, value in options.items():
        if not isinstance(value, str) or not value:
            raise BadMap(f"{name} must be text")
    for name, column in columns.items():
        if name not in FIELDS:
            raise BadMap(f"columns.{name} is no field of an order{_nearest(name, FIELDS)}")
        if column not in header:
            raise BadMap(f"columns.{name}: there is no column {column!r}{_nearest(column, header)}")
        if header.count(column) > 1:
            raise BadMap(f"columns.{name}: there is more than one column {column!r}")
    for name in REQUIRED:
        if name not in columns:
            raise BadMap(f"columns.{name} is missing: name the column that has it")
    if not columns.keys() & {"unitPrice", "total"}:
        raise BadMap("columns.unitPrice is missing, and so is columns.total")
    if "currency" not in columns and "currency" not in options:
        raise BadMap("currency is missing: a constant, or columns.currency")
    _check_options(options, statuses)
    return ColumnMap(
        columns,
        statuses,
        currency=options.get("currency"),
        status=options.get("status", "completed"),
        timezone=_timezone(options["timezone"]) if "timezone" in options else None,
        date_format=options.get("dateFormat"),
        cancelled_prefix=options.get("cancelledPrefix"),
        decimal=options.get("decimal", "."),
    )


def _check_options(options: Mapping[str, str], statuses: Mapping[str, str]) -> None:
    for name in (options.get("status", STATUSES[0]), *statuses.values()):
        if name not in STATUSES:
            raise BadMap(f"status {name!r} must be one of {', '.join(STATUSES)}")
    if options.get("decimal", ".") not in (".", ","):
        raise BadMap("decimal must be . or ,")


def _timezone(text: str) -> str:
    try:
        return check_timezone(text)
    except Invalid as broken:
        raise BadMap(f"timezone {text!r} {broken}") from None


def _texts(document: Mapping[str, Any], name: str) -> dict[str, str]:
    found = document.get(name) or {}
    if not isinstance(found, Mapping) or not all(isinstance(v, str) for v in found.values()):
        raise BadMap(f"{name} must be a table of texts")
    return dict(found)


def _nearest(name: str, known: Iterable[str]) -> str:
    lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), lower, n=1)
    return f"; did you mean {lower[found[0]]!r}?" if found else f"; there are {', '.join(known)}"


def last_rows(rows: Iterable[Row], known: ColumnMap) -> dict[str, int]:
    """The last row of each order, by order id: its rows need not stand together."""
    column = known.columns["orderId"]
    return {row.cells[column].strip(): row.number for row in rows}


def grouped(
    rows: Iterable[Row], last: Mapping[str, int], known: ColumnMap
) -> Iterator[tuple[int, list[Row]]]:
    """The rows of one order after another, each once its last row was read, which comes with them.

    A row without order id is a group of its own.
    """
    column = known.columns["orderId"]
    waiting: dict[str, list[Row]] = {}
    for row in rows:
        order = row.cells[column].strip()
        if not order:
            yield row.number, [row]
            continue
        waiting.setdefault(order, []).append(row)
        if last.get(order) == row.number:
            yield row.number, waiting.pop(order)


def order(rows: Sequence[Row], known: ColumnMap, shop: Shop) -> Event:
    """The event of the rows of one order; what is said of the order stands in its first row.

    A row with a quantity below 0 is a return: it is in `refundedTotal`, not in `total`.

    Raises:
        RowFault: a cell is missing or not readable.
    """
    first = _Cells(rows[0], known)
    created = first.time("createdAt")
    updated = first.maybe_time("updatedAt") or created
    lines = [_line(_Cells(row, known)) for row in rows]
    sold = total(line.amount for line in lines if not line.is_return)
    back = total(-line.amount for line in lines if line.is_return)
    order_id = first.text("orderId")
    data = {
        "orderId": order_id,
        "status": _status(order_id, first, known),
        "currency": first.maybe_text("currency") or known.currency,
        "createdAt": created,
        "updatedAt": updated,
        "placedAt": first.maybe_time("placedAt"),
        "customerId": first.maybe_text("customerId"),
        # discounts above all that was sold: the shop pays
        "total": money(max(sold, Decimal(0))),
        "refundedTotal": nonzero(back + max(-sold, Decimal(0))),
        "items": [line.item for line in lines],
    }
    kind = "order:created" if updated == created else "order:updated"
    return shop.event(kind, updated, data)


def _status(order_id: str, first: "_Cells", known: ColumnMap) -> str:
    if known.cancelled_prefix and order_id.startswith(known.cancelled_prefix):
        return "cancelled"
    cell = first.maybe_text("status")
    if cell is None:
        return known.status
    found = known.statuses.get(cell, cell)
    if found not in STATUSES:
        raise first.fault("status", f"{cell[:SHOWN]!r} is not among the statuses of the map")
    return found


class _Line(NamedTuple):
    item: dict[str, Any]
    amount: Decimal
    is_return: bool


def _line(cells: "_Cells") -> _Line:
    quantity = cells.number("quantity")
    price, amount = cells.maybe_number("unitPrice"), cells.maybe_number("total")
    if price is None and amount is None:
        raise cells.fault("unitPrice" if "unitPrice" in cells else "total", "is missing")
    if price is not None and price < 0:
        raise cells.fault("unitPrice", "must not be below 0")
    if amount is None:
        amount = product(quantity, price or Decimal(0)) - (cells.maybe_number("discount") or 0)
    if quantity < 0 < amount:
        raise cells.fault("total", "must not be above 0 where the quantity is below 0")
    item = {
        "productId": cells.text("productId"),
        "quantity": number(quantity),
        "unitPrice": unit_price(amount, quantity) if price is None else format(price, "f"),
        **{name: cells.maybe_text(name) for name in OF_LINE if name != "productId"},
        "kind": "return" if quantity < 0 else None,
        "total": money(amount + 0),
        "discount": nonzero(cells.maybe_number("discount")),
        "tax": nonzero(cells.maybe_number("tax")),
    }
    return _Line(present(item), amount, quantity < 0)


class _Cells:
    """One row by the names of the contract's fields; empty cells count as absent."""

    __slots__ = ("_known", "_row")

    def __init__(self, row: Row, known: ColumnMap) -> None:
        self._row = row
        self._known = known

    def __contains__(self, name: str) -> bool:
        return name in self._known.columns

    def fault(self, name: str, rule: str) -> RowFault:
        column = self._known.columns.get(name)
        return RowFault(self._row.number, f"{name} (column {column!r}) {rule}")

    def maybe_text(self, name: str) -> str | None:
        column = self._known.columns.get(name)
        return None if column is None else self._row.cells[column].strip() or None

    def text(self, name: str) -> str:
        return self._required(name, self.maybe_text(name))

    def maybe_number(self, name: str) -> Decimal | None:
        text = self.maybe_text(name)
        if text is None:
            return None
        shown, text = text, text.translate(_BLANKS)
        if self._known.decimal == ",":
            text = text.translate(_SWAPPED)
        if _GROUPED.fullmatch(text):
            text = text.replace(",", "").replace(" ", "")
        if not _PLAIN.fullmatch(text) or not text.strip("-."):
            raise self.fault(name, f"{shown[:SHOWN]!r} is no decimal number")
        return Decimal(text)

    def number(self, name: str) -> Decimal:
        return self._required(name, self.maybe_number(name))

    def maybe_time(self, name: str) -> str | None:
        """RFC 3339 in UTC. Of a local time that the clock shows twice it is the first."""
        text = self.maybe_text(name)
        if text is None:
            return None
        form = self._known.date_format
        try:
            read = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
        except ValueError:
            wanted = f"a time of the form {form}" if form else "a time (ISO 8601); see dateFormat"
            raise self.fault(name, f"{text[:SHOWN]!r} is not {wanted}") from None
        if read.utcoffset() is None:
            if self._known.timezone is None:
                raise self.fault(name, f"{text[:SHOWN]!r} has no offset, and the map no timezone")
            read = read.replace(tzinfo=zone_of(self._known.timezone))
        try:
            return read.astimezone(UTC).isoformat().replace("+00:00", "Z")
        except OverflowError:
            raise self.fault(name, "must be in the years 2000 to 2100") from None

    def time(self, name: str) -> str:
        return self._required(name, self.maybe_time(name))

    def _required(self, name: str, value: _T | None) -> _T:
        if value is None:
            raise self.fault(name, "is missing")
        return value
