"""chDB's own table function `Python(x)` reads variables of the process and could end it: nobody may call it."""

import time

import pytest
from asking import ask, code_over_tcp, native
from clickhouse_driver.errors import ServerException

from support.engine import ClickHouseServer

CALLS = [
    "SELECT * FROM Python(x)",
    "SELECT * FROM pYthon(x)",
    "SELECT * FROM `PYTHON`(x)",
    "SELECT * FROM python('x')",
    "SELECT * FROM python()",
    "SELECT (SELECT count() FROM Python(x))",
    "SELECT 1 IN (SELECT * FROM Python(x))",
    "WITH c AS (SELECT * FROM Python(x)) SELECT * FROM c",
    "SELECT * FROM (SELECT 1) AS a JOIN Python(x) AS b ON 1 = 1",
    "SELECT 1 UNION ALL SELECT * FROM Python(x)",
    "SELECT * FROM view(SELECT * FROM Python(x))",
    "SELECT * FROM viewIfPermitted(SELECT * FROM Python(x) ELSE null('a Int8'))",
    "SELECT * FROM remote('127.0.0.1', Python(x))",
    "SELECT * FROM loop(Python(x))",
]
MORE_CALLS = [
    "DESCRIBE Python(x)",
    "EXPLAIN SELECT * FROM Python(x)",
    "EXPLAIN QUERY TREE SELECT * FROM Python(x)",
    "INSERT INTO FUNCTION Python(x) VALUES (1)",
]
OF_APP = [
    "CREATE VIEW shop.never AS SELECT * FROM Python(x)",
    "CREATE TABLE shop.never AS Python(x)",
    "CREATE MATERIALIZED VIEW shop.never ENGINE = Memory AS SELECT * FROM Python(x)",
]
CASES = [
    *(("default", statement) for statement in CALLS),
    *(("bi", statement) for statement in CALLS + MORE_CALLS),
    *(("app", statement) for statement in CALLS + MORE_CALLS + OF_APP),
]
NOT_ALLOWED, CANNOT_BE_ALLOWED = 446, 392


@pytest.mark.parametrize(("login", "statement"), CASES)
def test_it_is_refused_and_the_process_lives(
    engine: ClickHouseServer, login: str, statement: str
) -> None:
    assert ask(engine, login, statement).code == NOT_ALLOWED
    assert code_over_tcp(engine, login, statement) == NOT_ALLOWED
    assert engine.child.running


@pytest.mark.parametrize("login", ["default", "bi", "app"])
def test_no_login_can_allow_it(engine: ClickHouseServer, login: str) -> None:
    statement, allowed = CALLS[0], {"allow_python_table_function": 1}
    assert ask(engine, login, statement, **allowed).code == CANNOT_BE_ALLOWED
    assert ask(engine, login, statement, profile="default", **allowed).code == CANNOT_BE_ALLOWED
    clause = f"{statement} SETTINGS allow_python_table_function = 1"
    assert ask(engine, login, clause).code == CANNOT_BE_ALLOWED
    with native(engine, login, settings=allowed) as client, pytest.raises(ServerException) as said:
        client.execute(statement)
    assert said.value.code == CANNOT_BE_ALLOWED
    if login != "default":
        assert ask(engine, login, "SET allow_python_table_function = 1").code == CANNOT_BE_ALLOWED


def test_sigterm_still_ends_the_process(own_engine: ClickHouseServer) -> None:
    for login in ("default", "app"):
        assert ask(own_engine, login, CALLS[0]).code == NOT_ALLOWED
    began = time.monotonic()
    assert own_engine.child.stop() == 0
    assert time.monotonic() - began < 5
