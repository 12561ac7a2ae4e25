"""`shopstream migrate --bi-user`, as far as an engine without users can tell."""

import pytest
from warehouse import Warehouse

from shopstream.clickhouse.bi_access import statements
from shopstream.local.bi_user import NoBiUser, make_bi_user
from shopstream.settings import Settings


def settings(warehouse: Warehouse) -> Settings:
    url = f"http://app:{warehouse.passwords['app']}@127.0.0.1:{warehouse.port}"
    return Settings(clickhouse_url=url)


@pytest.mark.parametrize("statement", statements("ann", "secret", "5a17", ["s-1", "it's `2` \\"]))
def test_every_statement_parses(warehouse: Warehouse, statement: str) -> None:
    assert warehouse.sql.text(f"EXPLAIN AST {statement}")


def test_the_embedded_engine_says_that_it_has_no_users(warehouse: Warehouse) -> None:
    with pytest.raises(NoBiUser, match="embedded engine has none"):
        make_bi_user(settings(warehouse), "ann", "secret", ["s-1"])


@pytest.mark.parametrize("user", ["app", "default"])
def test_a_login_of_the_system_is_never_replaced(warehouse: Warehouse, user: str) -> None:
    with pytest.raises(NoBiUser, match="not for BI tools"):
        make_bi_user(settings(warehouse), user, "secret", ["s-1"])
