"""`shopstream import` of a real shop's invoices: killed on the way, and to the cent."""

import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from clickhouse.verify import verify
from support import retail
from support.system import FULL, System
from support.waiting import eventually

pytestmark = pytest.mark.skipif(
    not retail.FILE.exists(), reason=f"{retail.FILE} is not there (see ../shared/data/README.md)"
)

SHOP = "invoices"
COLUMNS = {
    "orderId": "InvoiceNo",
    "createdAt": "InvoiceDate",
    "productId": "StockCode",
    "name": "Description",
    "quantity": "Quantity",
    "unitPrice": "UnitPrice",
    "customerId": "CustomerID",
}
MAX_LINES = 1000


def chosen() -> Iterator[dict[str, str]]:
    """All lines with SHOPSTREAM_FULL=1, else those of August 2011."""
    return retail.cells(FULL)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("import") / "invoices.csv"
    with path.open("w", newline="") as opened:
        writer: csv.DictWriter[str] | None = None
        for row in chosen():
            if writer is None:
                writer = csv.DictWriter(opened, row.keys())
                writer.writeheader()
            writer.writerow(row)
    return path


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("system")) as system:
        yield system.start(api=True)


def expected() -> tuple[dict[str, Decimal], set[int]]:
    """Revenue by day in the order of the file, and the rows that are refused: a price below 0, an invoice that is too
    long (its first row). Nothing but sums over the file."""
    rows = list(enumerate(chosen(), 2))
    lengths = Counter(row["InvoiceNo"] for _, row in rows)
    first: dict[str, tuple[int, str]] = {}
    for number, row in rows:
        first.setdefault(row["InvoiceNo"], (number, row["InvoiceDate"][:10]))
    refused = {number for number, row in rows if row["UnitPrice"].startswith("-")}
    refused |= {first[invoice][0] for invoice, n in lengths.items() if n > MAX_LINES}
    days: dict[str, Decimal] = {}
    for _, row in rows:
        if row["UnitPrice"].startswith("-") or lengths[row["InvoiceNo"]] > MAX_LINES:
            continue
        day = first[row["InvoiceNo"]][1]
        amount = Decimal(row["UnitPrice"]) * int(row["Quantity"])
        days[day] = days.get(day, Decimal(0)) + amount
    return days, refused


def test_a_killed_import_goes_on_and_adds_up_to_the_cent(system: System, file: Path) -> None:
    days, refused = expected()
    maps = [word for name, column in COLUMNS.items() for word in ("--map", f"{name}={column}")]
    words = ["import", "csv", str(file), "--shop", SHOP, "--currency", "GBP", "--timezone", "UTC"]
    command = [sys.executable, "-m", "shopstream", *words, *maps]
    state = file.with_name(f"{file.name}.import.json")

    killed = subprocess.Popen(command, env=system.environment, stderr=subprocess.DEVNULL)
    eventually(state.exists, within=120)
    killed.kill()
    killed.wait()
    assert state.exists(), "it was killed on the way"

    done = subprocess.run(command, env=system.environment, capture_output=True, text=True)
    assert not state.exists()
    assert "resumed behind row" in done.stderr, done.stderr
    assert done.returncode == (1 if refused else 0), done.stderr
    again = subprocess.run(command, env=system.environment, capture_output=True, text=True)
    listed = {int(line.split()[1].strip(":")) for line in again.stderr.splitlines()[:-1]}
    assert listed == refused

    system.settle(300)
    system.caught_up()
    daily = system.reader([SHOP])
    first, last = (date.fromisoformat(day(days)) for day in (min, max))
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        report = daily(SHOP, day)
        wanted = days.get(day.isoformat(), Decimal(0))
        assert Decimal(str(report["totalRevenue"])) == wanted, day
    verdict = verify(system.settings)
    assert verdict.compared and not verdict.differences
    assert not system.dead_letters()
