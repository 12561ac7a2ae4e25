from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import ask

from support.engine import ClickHouseServer


@pytest.fixture(scope="package")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """One for all tests that do not stop it, with database `shop` and a view for `bi`."""
    engine = ClickHouseServer(tmp_path_factory.mktemp("server"), short_lived=False)
    engine.start()
    for statement in (
        "CREATE DATABASE shop",
        "CREATE DATABASE shopstream",
        "CREATE DATABASE shopstream_bi",
        "CREATE TABLE shopstream.orders (id UInt64) ENGINE = MergeTree ORDER BY id",
        "INSERT INTO shopstream.orders VALUES (7)",
        "CREATE VIEW shopstream_bi.orders DEFINER = app SQL SECURITY DEFINER AS SELECT id FROM shopstream.orders",
    ):
        assert ask(engine, "app", statement).status == 200
    yield engine
    assert engine.child.stop() == 0


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[ClickHouseServer]:
    """An engine of the test's own, to stop and kill."""
    engine = ClickHouseServer(tmp_path, short_lived=False)
    engine.start()
    yield engine
    engine.child.kill()
