from collections.abc import Iterator
from pathlib import Path

import pytest
from warehouse import SHOPS, Warehouse

TABLES = "orders levels payments purchases suppliers shops alerts product_names order_windows"


@pytest.fixture(scope="package")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """One engine for all tests, each with shops of its own. Nothing is ever merged, unless a test does it."""
    with Warehouse(tmp_path_factory.mktemp("bi"), SHOPS) as warehouse:
        for table in TABLES.split():
            warehouse.sql.rows(f"SYSTEM STOP MERGES shopstream.{table}")
        yield warehouse


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Warehouse]:
    """One that the test alone uses."""
    with Warehouse(tmp_path) as warehouse:
        yield warehouse
