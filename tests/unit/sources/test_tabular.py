"""Rows of a table become orders by a map of columns."""

import csv
import io
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shopstream.contracts.events import read_event
from shopstream.sources import Shop
from shopstream.sources.tabular import (
    BadMap,
    ColumnMap,
    Row,
    RowFault,
    column_map,
    grouped,
    last_rows,
    order,
)
from support import retail

GOLDEN = Path(__file__).parent / "golden" / "csv"
MAP = {
    "columns": {
        "orderId": "Invoice",
        "createdAt": "Date",
        "productId": "SKU",
        "quantity": "Qty",
        "unitPrice": "Price",
    },
    "currency": "GBP",
    "timezone": "Europe/London",
}
HEADER = ["Invoice", "Date", "SKU", "Qty", "Price", "Total", "State"]


def rows(text: str) -> list[Row]:
    return [Row(n, cells) for n, cells in enumerate(csv.DictReader(io.StringIO(text)), 2)]


def one(cells: str, **more: Any) -> dict[str, Any]:
    """The order of one row: Invoice, Date, SKU, Qty, Price, Total, State."""
    known = column_map({**MAP, **more}, HEADER)
    found = order(rows(f"{','.join(HEADER)}\n{cells}\n"), known, Shop("csv", "s"))
    return dict(found["data"])


def fault(cells: str, **more: Any) -> str:
    with pytest.raises(RowFault) as caught:
        one(cells, **more)
    assert caught.value.row == 2
    return str(caught.value)


@pytest.mark.parametrize("name", [path.stem for path in GOLDEN.glob("*.csv")])
def test_a_table_becomes_literally_these_events(name: str) -> None:
    table = rows((GOLDEN / f"{name}.csv").read_text())
    known = column_map(json.loads((GOLDEN / f"{name}.map.json").read_text()), list(table[0].cells))
    shop = Shop("csv", "my-shop", backfill=True)
    groups = grouped(table, last_rows(table, known), known)
    events = [order(group, known, shop) for _, group in groups]
    assert events == json.loads((GOLDEN / f"{name}.events.json").read_text())
    for event in events:
        read_event(json.dumps(event).encode(), "shop.orders")


def test_an_order_counts_under_the_time_of_its_column_where_the_cell_has_one() -> None:
    columns = {**MAP["columns"], "placedAt": "State"}
    told = one("1,2026-07-01 12:00,p,1,2,,2026-06-30 23:30", columns=columns)
    assert (told["createdAt"], told["placedAt"]) == ("2026-07-01T11:00:00Z", "2026-06-30T22:30:00Z")
    assert "placedAt" not in one("1,2026-07-01 12:00,p,1,2,,", columns=columns)
    assert fault("1,2026-07-01 12:00,p,1,2,,soon", columns=columns) == (
        "placedAt (column 'State') 'soon' is not a time (ISO 8601); see dateFormat"
    )


def test_rows_of_an_order_need_not_stand_together() -> None:
    table = rows("Invoice,Date,SKU,Qty,Price\na,,,,\nb,,,,\na,,,,\n,,,,\nc,,,,\n")
    known = column_map(MAP, list(table[0].cells))
    groups = grouped(table, last_rows(table, known), known)
    assert [(end, [row.number for row in group]) for end, group in groups] == [
        (3, [3]),
        (4, [2, 4]),
        (5, [5]),
        (6, [6]),
    ]


def test_naive_times_are_those_of_the_zone_of_the_map() -> None:
    assert one("1,2026-07-01 12:00,p,1,2")["createdAt"] == "2026-07-01T11:00:00Z"
    assert one("1,2026-12-01 12:00,p,1,2")["createdAt"] == "2026-12-01T12:00:00Z"
    assert one("1,2026-12-01T12:00:00+05:30,p,1,2")["createdAt"] == "2026-12-01T06:30:00Z"
    assert one("1,2026-12-01,p,1,2")["createdAt"] == "2026-12-01T00:00:00Z"
    assert (
        one("1,2026-12-01 12:00,p,1,2", timezone="UTC+5:30")["createdAt"] == "2026-12-01T06:30:00Z"
    )
    # shown twice: the first; never shown: as if the clock had not been put forward
    assert one("1,2026-10-25 01:30,p,1,2")["createdAt"] == "2026-10-25T00:30:00Z"
    assert one("1,2026-03-29 01:30,p,1,2")["createdAt"] == "2026-03-29T01:30:00Z"
    american = {"dateFormat": "%m/%d/%Y %I:%M %p"}
    assert one("1,12/01/2026 08:26 PM,p,1,2", **american)["createdAt"] == "2026-12-01T20:26:00Z"


def test_numbers_are_exact_and_may_be_grouped() -> None:
    assert one("1,2026-07-01,p,3,0.1")["total"] == "0.3"
    assert one('1,2026-07-01,p,"1,000","1,234.50"')["total"] == "1234500.00"
    assert one('1,2026-07-01,p,1,"1.234,5"', decimal=",")["total"] == "1234.5"
    for blank in " \u00a0\u2009\u202f":
        assert one(f'1,2026-07-01,p,1,"1{blank}234,50"', decimal=",")["total"] == "1234.50"
    assert one("1,2026-07-01,p,1,.5")["items"][0]["unitPrice"] == "0.5"
    half = one("1,2026-07-01,p,0.25,8")
    assert (half["total"], half["items"][0]["quantity"]) == ("2.00", 0.25)


def test_what_is_sold_by_weight_comes_to_4_decimals() -> None:
    """Half-even, as the contract has it for a line without total."""
    for quantity, price, amount in (
        ("1.255", "3.99", "5.0074"),  # 5.00745
        ("0.0125", "0.02", "0.0002"),  # 0.00025
        ("0.0175", "0.02", "0.0004"),  # 0.00035
        ("1.2500", "4.0000", "5.00000000"),
    ):
        found = one(f"1,2026-07-01,p,{quantity},{price}")
        assert (found["total"], found["items"][0]["total"]) == (amount, amount)
        event = {"specversion": "1.0", "id": "1", "source": "/t", "type": "order:created"}
        read_event(json.dumps({**event, "shopid": "s", "data": found}).encode(), "shop.orders")
    back = one("1,2026-07-01,p,-1.255,3.99")
    assert (back["refundedTotal"], back["items"][0]["total"]) == ("5.0074", "-5.0074")
    assert one("1,2026-07-01,p,9999999999999,9999999999999.5")["total"].startswith("99999999")


def test_a_quantity_below_0_is_a_return() -> None:
    back = one("C1,2026-07-01,p,-2,1.25")
    assert (back["total"], back["refundedTotal"], back["status"]) == ("0", "2.50", "completed")
    assert back["items"] == [
        {"productId": "p", "quantity": -2, "unitPrice": "1.25", "kind": "return", "total": "-2.50"}
    ]
    assert one("C1,2026-07-01,p,-2,1.25", cancelledPrefix="C")["status"] == "cancelled"
    assert one("1C,2026-07-01,p,-2,1.25", cancelledPrefix="C")["status"] == "completed"


def test_a_total_of_a_line_stands_above_its_price() -> None:
    columns = {**MAP["columns"], "total": "Total"}  # type: ignore[dict-item]
    found = one("1,2026-07-01,p,3,3.34,10", columns=columns)
    assert (found["total"], found["items"][0]["unitPrice"]) == ("10", "3.34")
    del columns["unitPrice"]
    found = one("1,2026-07-01,p,3,,10", columns=columns)
    assert (found["total"], found["items"][0]["unitPrice"]) == ("10", "3.3333")
    off = one("1,2026-07-01,p,1,,-5", columns=columns)
    assert (off["total"], off["refundedTotal"], off["items"][0]["total"]) == ("0", "5", "-5")
    assert fault("1,2026-07-01,p,-1,,5", columns=columns) == (
        "total (column 'Total') must not be above 0 where the quantity is below 0"
    )


def test_statuses_are_translated() -> None:
    more = {"columns": {**MAP["columns"], "status": "State"}, "statuses": {"sent": "shipped"}}  # type: ignore[dict-item]
    assert one("1,2026-07-01,p,1,2,,sent", **more)["status"] == "shipped"
    assert one("1,2026-07-01,p,1,2,,paid", **more)["status"] == "paid"
    assert one("1,2026-07-01,p,1,2,,", **more)["status"] == "completed"
    assert fault("1,2026-07-01,p,1,2,,odd", **more) == (
        "status (column 'State') 'odd' is not among the statuses of the map"
    )


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        (",2026-07-01,p,1,2", "orderId (column 'Invoice') is missing"),
        ("1,,p,1,2", "createdAt (column 'Date') is missing"),
        (
            "1,soon,p,1,2",
            "createdAt (column 'Date') 'soon' is not a time (ISO 8601); see dateFormat",
        ),
        ("1,2026-07-01,,1,2", "productId (column 'SKU') is missing"),
        ("1,2026-07-01,p,,2", "quantity (column 'Qty') is missing"),
        ("1,2026-07-01,p,1e3,2", "quantity (column 'Qty') '1e3' is no decimal number"),
        ("1,2026-07-01,p,-,2", "quantity (column 'Qty') '-' is no decimal number"),
        ("1,2026-07-01,p,1,", "unitPrice (column 'Price') is missing"),
        ("1,2026-07-01,p,1,-2", "unitPrice (column 'Price') must not be below 0"),
        ("1,2026-07-01,p,1,£2", "unitPrice (column 'Price') '£2' is no decimal number"),
    ],
)
def test_a_fault_names_the_column_and_the_rule(cells: str, rule: str) -> None:
    assert fault(cells) == rule


def test_a_time_without_offset_needs_a_zone() -> None:
    known = column_map({**MAP, "timezone": None}, HEADER)
    table = rows(f"{','.join(HEADER)}\n1,2026-07-01,p,1,2\n")
    with pytest.raises(RowFault, match="has no offset, and the map no timezone"):
        order(table, known, Shop("csv", "s"))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"columns": {}}, "columns.orderId is missing: name the column that has it"),
        ({"columns": 7}, "columns must be a table of texts"),
        (
            {"columns": {**MAP["columns"], "orderId": "invoice"}},  # type: ignore[dict-item]
            "columns.orderId: there is no column 'invoice'; did you mean 'Invoice'?",
        ),
        (
            {"columns": {**MAP["columns"], "customerID": "SKU"}},  # type: ignore[dict-item]
            "columns.customerID is no field of an order; did you mean 'customerId'?",
        ),
        ({"currency": None}, "currency is missing: a constant, or columns.currency"),
        ({"currency": 7}, "currency must be text"),
        (
            {"timezone": "London"},
            "timezone 'London' must be an IANA time zone, such as Europe/Berlin,"
            " or an offset of quarter hours from -12:00 to +14:00",
        ),
        ({"decimal": ";"}, "decimal must be . or ,"),
        ({"timeZone": "UTC"}, "timeZone is no entry of a map; did you mean 'timezone'?"),
        (
            {"status": "done"},
            "status 'done' must be one of pending, paid, processing, shipped, delivered, completed,"
            " cancelled, failed, refunded",
        ),
    ],
)
def test_a_map_that_is_not_usable_says_why(change: dict[str, Any], rule: str) -> None:
    with pytest.raises(BadMap) as caught:
        column_map({**MAP, **change}, HEADER)
    assert str(caught.value) == rule


FULL = bool(os.environ.get("SHOPSTREAM_FULL"))
RETAIL = {
    "columns": {
        "orderId": "InvoiceNo",
        "createdAt": "InvoiceDate",
        "productId": "StockCode",
        "name": "Description",
        "quantity": "Quantity",
        "unitPrice": "UnitPrice",
        "customerId": "CustomerID",
    },
    "currency": "GBP",
    "timezone": "UTC",
}


@pytest.mark.slow
@pytest.mark.skipif(
    not retail.FILE.exists(), reason=f"{retail.FILE} is not there (see ../shared/data/README.md)"
)
def test_the_invoices_of_a_real_shop_add_up_to_the_cent() -> None:
    """All with SHOPSTREAM_FULL=1, else those of a month."""
    table = [Row(n, cells) for n, cells in enumerate(retail.cells(FULL), 2)]
    known = column_map(RETAIL, list(table[0].cells))
    revenue, refused = Decimal(0), []
    for _, group in grouped(table, last_rows(table, known), known):
        try:
            data = order(group, known, Shop("csv", "retail"))["data"]
        except RowFault as error:
            refused.append((error.row, str(error), len(group)))
            continue
        revenue += Decimal(data["total"]) - Decimal(data.get("refundedTotal", "0"))
    bad = [row for row in table if row.cells["UnitPrice"].startswith("-")]
    assert [(row, count) for row, _, count in refused] == [(row.number, 1) for row in bad]
    assert len(bad) == 2
    amounts = [
        int(row.cells["Quantity"]) * Decimal(row.cells["UnitPrice"])
        for row in table
        if row not in bad
    ]
    assert revenue == sum(amounts)
    assert str(revenue) == ("9769872.054" if FULL else "704804.63")


def test_a_map_has_defaults() -> None:
    assert column_map(MAP, HEADER) == ColumnMap(
        columns=MAP["columns"],  # type: ignore[arg-type]
        currency="GBP",
        timezone="Europe/London",
    )
