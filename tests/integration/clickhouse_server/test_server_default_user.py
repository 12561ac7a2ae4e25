"""User `default` has no password, because the call that starts the servers logs in as it. It can do nothing useful."""

import pytest
from asking import ask, code_over_tcp

from support.engine import ClickHouseServer

NO_GRANT, QUOTA, FIXED, NO_PYTHON = 497, 201, 452, 446
REFUSED = {
    "SELECT * FROM shopstream.orders": NO_GRANT,
    "SELECT * FROM shopstream_bi.orders": NO_GRANT,
    "SELECT * FROM view(SELECT * FROM shopstream.orders)": NO_GRANT,
    "SELECT * FROM mergeTreeIndex(shopstream, orders)": NO_GRANT,
    "SELECT * FROM merge('shopstream', '.*')": 636,
    "SELECT hasColumnInTable('shopstream', 'orders', 'id')": NO_GRANT,
    "SELECT * FROM system.users": NO_GRANT,
    "SELECT * FROM system.processes": NO_GRANT,
    "SELECT * FROM system.server_settings": NO_GRANT,
    "SELECT * FROM system.databases": QUOTA,
    "SELECT * FROM system.tables": QUOTA,
    "SELECT * FROM numbers(3)": QUOTA,
    "SELECT * FROM system.numbers LIMIT 3": QUOTA,
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')": NO_GRANT,
    "SELECT * FROM remote('127.0.0.1', 'shopstream.orders')": NO_GRANT,
    "SELECT * FROM executable('id', 'CSV', 'a String')": NO_GRANT,
    "SELECT * FROM s3('http://127.0.0.1:1/bucket/x', 'CSV', 'a String')": NO_GRANT,
    "INSERT INTO shopstream.orders VALUES (8)": QUOTA,
    "CREATE TABLE shop.never (a Int8) ENGINE = Memory": QUOTA,
    "CREATE TEMPORARY TABLE never (a Int8)": QUOTA,
    "CREATE USER never": QUOTA,
    "ALTER USER default IDENTIFIED BY 'x'": QUOTA,
    "GRANT ALL ON *.* TO default": QUOTA,
    "CREATE DATABASE default": QUOTA,
    "DROP DATABASE default": QUOTA,
    "DROP DATABASE shopstream": QUOTA,
    "USE shopstream": QUOTA,
    "SET max_block_size = 5": QUOTA,
    "SELECT 1 SETTINGS max_block_size = 5": FIXED,
    "SELECT 1 SETTINGS max_memory_usage = 0": FIXED,
    "SELECT 1 SETTINGS max_concurrent_queries_for_user = 0": FIXED,
    "SELECT length(range(100000000))": 241,
    "SYSTEM START LISTEN HTTP": QUOTA,
    "SYSTEM STOP LISTEN HTTP": QUOTA,
    "SYSTEM STOP LISTEN TCP": QUOTA,
    "SYSTEM STOP LISTEN QUERIES ALL": QUOTA,
    "SYSTEM SHUTDOWN": QUOTA,
    "SYSTEM KILL": QUOTA,
    "SYSTEM STOP MERGES": QUOTA,
    "SYSTEM RELOAD CONFIG": QUOTA,
    "KILL QUERY WHERE 1": QUOTA,
    "BACKUP DATABASE shopstream TO File('x')": QUOTA,
    "SHOW DATABASES": QUOTA,
    "SHOW TABLES FROM shopstream": QUOTA,
    "SHOW PROCESSLIST": NO_GRANT,
    "SHOW CREATE TABLE shopstream.orders": QUOTA,
    "DESCRIBE shopstream.orders": QUOTA,
    "EXISTS shopstream.orders": QUOTA,
    "EXPLAIN SELECT 1": QUOTA,
}


@pytest.mark.parametrize("statement", REFUSED)
def test_a_statement_is_refused_on_both_ports(engine: ClickHouseServer, statement: str) -> None:
    assert ask(engine, "default", statement).code == REFUSED[statement]
    assert code_over_tcp(engine, "default", statement) == REFUSED[statement]


def test_it_gets_constants(engine: ClickHouseServer) -> None:
    assert ask(engine, "default", "SELECT 1 + 1").text == "2\n"
    assert code_over_tcp(engine, "default", "SELECT 1") == 0


def test_a_session_and_another_profile_give_it_no_more(engine: ClickHouseServer) -> None:
    session = {"session_id": "of-default", "profile": "default"}
    assert ask(engine, "default", "SELECT 1", **session).text == "1\n"
    assert ask(engine, "default", "SELECT * FROM shopstream.orders", **session).code == NO_GRANT
    assert ask(engine, "default", "SELECT 1", **session, max_memory_usage=0).code == FIXED
    assert ask(engine, "default", "SYSTEM STOP LISTEN HTTP", **session).code == QUOTA


def test_the_server_serves_on(engine: ClickHouseServer) -> None:
    assert ask(engine, "app", "SELECT id FROM shopstream.orders").text == "7\n"
    assert code_over_tcp(engine, "app", "SELECT id FROM shopstream.orders") == 0
    assert ask(engine, "bi", "SELECT id FROM shopstream_bi.orders").text == "7\n"
