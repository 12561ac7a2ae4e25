"""The clients of other languages read a view, bind a parameter, and get the engine's error."""

import json
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from warehouse import Warehouse

from support import foreign
from support.events import item, order, record

SHOPS = ("language-1", 'it\'s \\ "two" <é>')
READ_ONLY = 497
SOURCES = Path(__file__).with_name("languages")


@pytest.fixture(scope="module")
def sold(warehouse: Warehouse) -> Warehouse:
    for units, shop in enumerate(SHOPS, 2):
        days = ("2026-11-22T18:30:00.000000Z", "2026-11-23T10:00:00.000000Z")
        warehouse.feed(
            record(order(shop, f"o-{n}", created=day, items=[item("p-1", units, "9.99")]))
            for n, day in enumerate(days)
        )
    return warehouse


def check(warehouse: Warehouse, command: list[str], port: int, *more: str) -> None:
    """Runs a program for each shop and compares what it prints, with exact amounts."""
    for units, shop in enumerate(SHOPS, 2):
        login = [f"127.0.0.1:{port}", "bi", warehouse.engine.passwords["bi"], shop, *more]
        ran = subprocess.run([*command, *login], capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        *rows, refused = [json.loads(line) for line in ran.stdout.splitlines()]
        found = [(day, currency, Decimal(revenue), n) for day, currency, revenue, n in rows]
        revenue = units * Decimal("9.99")
        assert found == [("2026-11-22", "EUR", revenue, 1), ("2026-11-23", "EUR", revenue, 1)]
        assert int(refused) == READ_ONLY


def test_jdbc(sold: Warehouse) -> None:
    folder = foreign.made(SOURCES / "java", ("java", "javac"), foreign.java)
    command = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{folder}:{folder}/jars/*", "ReadSales"]
    check(sold, command, sold.engine.port)


def test_clickhouse_client_of_node(sold: Warehouse) -> None:
    folder = foreign.made(SOURCES / "node", ("node", "npm"), foreign.node)
    check(sold, ["node", str(folder / "read_sales.mjs")], sold.engine.port)


@pytest.mark.parametrize("protocol", ["http", "native"])
def test_clickhouse_go(sold: Warehouse, protocol: str) -> None:
    folder = foreign.made(SOURCES / "go", ("go",), foreign.go)
    port = sold.engine.port if protocol == "http" else sold.engine.native_port
    check(sold, [str(folder / "read-sales")], port, protocol)
