"""`shopstream migrate --bi-user`, as far as a ClickHouse that keeps its users in a file can tell."""

import pytest
from warehouse import Warehouse

from clickhouse.bi_access import statements
from shopstream.cli.bi_user import NoBiUser, make_bi_user
from shopstream.settings import Settings


def settings(warehouse: Warehouse) -> Settings:
    return Settings(clickhouse_url=warehouse.engine.url())


@pytest.mark.parametrize(
    "statement", [*statements("ann", "secret", "5a17", ["s-1", "it's `2` \\"])]
)
def test_every_statement_parses(warehouse: Warehouse, statement: str) -> None:
    assert warehouse.sql.text(f"EXPLAIN AST {statement}")


def test_the_engine_of_up_says_where_its_logins_come_from(warehouse: Warehouse) -> None:
    with pytest.raises(NoBiUser) as said:
        make_bi_user(settings(warehouse), "ann", "secret", ["s-1"])
    assert str(said.value) == (
        "--bi-user: this ClickHouse lets us make no users. The one of `shopstream up` takes its logins from"
        " `up --bi-shop`; on a server the login of SHOPSTREAM_CLICKHOUSE_URL needs ACCESS MANAGEMENT"
    )


@pytest.mark.parametrize("user", ["app", "default"])
def test_a_login_of_the_system_is_never_replaced(warehouse: Warehouse, user: str) -> None:
    with pytest.raises(NoBiUser, match="not for BI tools"):
        make_bi_user(settings(warehouse), user, "secret", ["s-1"])
