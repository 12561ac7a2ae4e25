import threading

import pytest
from engine_harness import SLOW, EngineProcess, poll

REACH = [
    "SELECT file('/etc/hostname')",
    "SELECT arrayMap(file, ['/etc/hostname'])",
    "SELECT arrayMap(`FILE`, ['/etc/hostname'])",
    "SELECT arrayMap(\"fi\\x6ce\", ['/etc/hostname'])",
    "WITH file AS f SELECT arrayMap(f, ['/etc/hostname'])",
    "SELECT * APPLY(file) FROM (SELECT '/etc/hostname')",
    "SELECT COLUMNS('x') APPLY(x -> file(x)) FROM (SELECT '/etc/hostname' AS x)",
    "SELECT * FROM view(SELECT * APPLY(file) FROM (SELECT '/etc/hostname'))",
    "SELECT * REPLACE(file('/etc/hostname') AS x) FROM (SELECT '1' AS x)",
    "SELECT `file`('/etc/hostname')",
    "SELECT * FROM file('/etc/hostname', 'LineAsString')",
    "SELECT * FROM `/etc/hostname`",
    "SELECT * FROM default.`/etc/hostname`",
    "SELECT * FROM default.`../status`",
    "SELECT 'x' IN `/etc/hostname`",
    "SELECT * FROM {t:Identifier}",
    "SELECT * FROM (SELECT * FROM file('/etc/hostname')) AS inner_one",
    "WITH x AS (SELECT * FROM file('/etc/hostname')) SELECT * FROM x",
    "SELECT $$'$$, file('/etc/hostname'), $$'$$",
    "SELECT 1 /* /* */ ' */, file('/etc/hostname') /* ' */",
    "DESCRIBE file('/etc/hostname')",
    "EXPLAIN SELECT * FROM file('/etc/hostname')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
    "SELECT * FROM remote('127.0.0.1:1', system.one)",
    "SELECT * FROM s3('http://127.0.0.1:1/bucket/key')",
    "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM executable('x', 'CSV', 'a String')",
    "SELECT * FROM Python(logins)",
    "SELECT * FROM loop('default', '/etc/hostname') LIMIT 1",
    "SELECT * FROM sqlite('/tmp/x', 'y')",
]
WRITES = [
    "INSERT INTO shop.readers VALUES (2)",
    "INSERT INTO FUNCTION file('/tmp/never', 'CSV', 'a UInt8') VALUES (1)",
    "CREATE TABLE shop.never (a UInt8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE never (a UInt8)",
    "CREATE DATABASE never",
    "DROP TABLE shop.readers",
    "TRUNCATE TABLE shop.readers",
    "ALTER TABLE shop.readers DELETE WHERE 1",
    "OPTIMIZE TABLE shop.readers",
    "RENAME TABLE shop.readers TO shop.never",
    "SYSTEM FLUSH LOGS",
    "DETACH TABLE shop.readers",
    "BACKUP TABLE shop.readers TO File('/tmp/never')",
    "WITH 3 AS x INSERT INTO shop.readers SELECT x",
    "SET readonly = 0",
    "SET allow_ddl = 1, readonly = 0",
    "SELECT 1 SETTINGS readonly = 0",
]


@pytest.fixture(scope="module", autouse=True)
def table(engine: EngineProcess):
    engine.text("CREATE TABLE shop.readers (a UInt8) ENGINE = MergeTree ORDER BY a")
    engine.text("INSERT INTO shop.readers VALUES (1)")


def test_a_login_starts_in_default_until_its_database_exists(engine: EngineProcess):
    asked = "SELECT currentDatabase()"
    assert engine.text(asked, login="bi") == "default\n"
    assert engine.text(asked, login="bi", session_id="bi-0") == "default\n"
    engine.text("CREATE DATABASE shopstream_bi")
    assert engine.text(asked, login="bi") == "shopstream_bi\n"
    assert engine.text(asked, login="bi", session_id="bi-0") == "shopstream_bi\n"
    assert engine.text(asked, login="bi", database="shop") == "shop\n"
    engine.text("DROP DATABASE shopstream_bi")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM shop.readers",
        "WITH 1 AS b SELECT b",
        "SELECT count() AS `rows/all` FROM shop.readers ORDER BY `rows/all`",
        "SELECT sum(number) FROM numbers(2)",
        "SELECT a FROM merge('shop', '^readers$')",
        "(SELECT 1)",
    ],
)
def test_a_reader_reads(engine: EngineProcess, sql: str):
    assert engine.text(sql, login="bi") == "1\n"


@pytest.mark.parametrize("session", [{}, {"session_id": "bi-1"}])
@pytest.mark.parametrize("sql", WRITES)
def test_a_reader_cannot_write(engine: EngineProcess, sql: str, session: dict[str, str]):
    assert engine.refusal(sql, login="bi", **session)[1] == "164"
    assert engine.text("SELECT a FROM shop.readers", login="bi", **session) == "1\n"


@pytest.mark.parametrize("sql", REACH)
def test_a_reader_reaches_nothing_but_tables(engine: EngineProcess, sql: str):
    assert engine.refusal(sql, login="bi", param_t="/etc/hostname")[1] == "164"


@pytest.mark.parametrize(
    "setting",
    [
        ("readonly", "0"),
        ("allow_ddl", "1"),
        ("allow_introspection_functions", "1"),
        ("additional_result_filter", "1"),
        ("parallel_replicas_custom_key", "a"),
        ("format_template_resultset", "hostname"),
        ("max_threads", "file('/etc/hostname')"),
        ("http_response_headers", "{'a': 'b'}"),
    ],
)
def test_a_reader_cannot_widen_its_rights_by_settings(engine: EngineProcess, setting):
    name, value = setting
    assert engine.refusal("SELECT 1", login="bi", **{name: value})[1] == "164"
    quoted = value.replace("'", "\\'")
    assert engine.refusal(f"SET {name} = '{quoted}'", login="bi", session_id="bi-3")[1] == "164"


def test_a_reader_cannot_make_a_table_of_a_file_by_external_data(engine: EngineProcess):
    structure = "a String) ENGINE = File(LineAsString, '/etc/hostname') --"
    with engine.client("bi") as client:
        params = {"query": "SELECT * FROM given", "given_structure": structure}
        answer = client.post("/", params=params, files={"given": b""})
    assert answer.headers["X-ClickHouse-Exception-Code"] == "62"


def test_a_reader_cannot_have_expressions_evaluated_by_external_data(engine: EngineProcess):
    with engine.client("bi") as client:
        params = {"query": "SELECT * FROM x", "x_format": "Values", "x_structure": "a String"}
        answer = client.post("/", params=params, files={"x": b"(file('/etc/hostname'))"})
    assert answer.headers["X-ClickHouse-Exception-Code"] == "164"


def test_a_reader_has_settings_external_data_and_sessions(engine: EngineProcess):
    asked = "SELECT getSetting('max_block_size')"
    assert engine.text(asked, login="bi", max_block_size="99") == "99\n"
    engine.text("SET max_block_size = 88, extremes = '0';", login="bi", session_id="bi-2")
    engine.text("USE shop", login="bi", session_id="bi-2")
    assert engine.text(asked, login="bi", session_id="bi-2") == "88\n"
    assert engine.text("SELECT a FROM readers", login="bi", session_id="bi-2") == "1\n"
    with engine.client("bi") as client:
        params = {"query": "SELECT a FROM given", "given_structure": "a UInt8"}
        assert client.post("/", params=params, files={"given": b"5\n"}).text == "5\n"


def test_a_reader_cannot_kill_the_statements_of_others(engine: EngineProcess):
    running = {"query_id": "mine-1"}
    slow = threading.Thread(target=engine.refusal, args=(SLOW,), kwargs=running)
    slow.start()
    poll(lambda: engine.running("mine-1"))
    assert engine.text("KILL QUERY WHERE query_id = 'mine-1'", login="bi") == ""
    assert engine.running("mine-1") == 1
    engine.text("KILL QUERY WHERE query_id = 'mine-1'")
    slow.join()
