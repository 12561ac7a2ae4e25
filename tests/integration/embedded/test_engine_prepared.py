"""Requests whose database and settings go into the handle's address, beside those that need USE and SET."""

import threading

import pytest
from engine_harness import SLOW, EngineProcess, poll

from shopstream.api.reports.statements import SETTINGS
from shopstream.clickhouse.client import _ROWS
from shopstream.clickhouse.embedded.call import HANDLER_NAMES
from shopstream.clickhouse.embedded.engine import SETTINGS_IN_ADDRESS

BY_SET = {"session_timezone": "UTC"}
"""Makes a request's other settings go by SET too."""
NO_DATABASE = (404, "81")


def _answer(engine: EngineProcess, sql: str, **params: str) -> tuple[int, str]:
    with engine.client() as client:
        answer = client.post("/", params=params, content=sql)
    return answer.status_code, answer.text


def test_the_settings_of_reports_go_into_the_address():
    sent = {name for name in {**_ROWS, **SETTINGS} if name not in HANDLER_NAMES}
    assert sent <= SETTINGS_IN_ADDRESS


@pytest.mark.parametrize("name", sorted(SETTINGS_IN_ADDRESS))
@pytest.mark.parametrize("value", ["0", "1", "7", "-1", "1.5", "1e3", "", "x", "1 ", "1&final=1"])
def test_a_setting_in_the_address_does_what_set_does(engine: EngineProcess, name: str, value: str):
    sql = f"SELECT name, value FROM system.settings WHERE name IN ('{name}', 'final')"
    assert _answer(engine, sql, **{name: value}) == _answer(engine, sql, **{name: value}, **BY_SET)


def test_a_setting_of_the_address_is_in_force(engine: EngineProcess):
    asked = "SELECT getSetting('max_threads'), getSetting('max_block_size'), currentDatabase()"
    params = {"database": "system", "max_threads": "7", "max_block_size": "77"}
    assert engine.text(asked, **params) == "7\t77\tsystem\n"


@pytest.mark.parametrize("name", ["nope", "verbose", "path", "Max_threads", "custom_x"])
def test_what_is_no_setting_is_refused(engine: EngineProcess, name: str):
    status, text = _answer(engine, "SELECT 1", **{name: "1", "max_threads": "1"})
    assert status == 404
    assert text.startswith(f"Code: 115. DB::Exception: Unknown setting '{name}'")


def test_a_setting_that_is_also_an_option_of_the_engine_is_set(engine: EngineProcess):
    assert engine.text("SELECT number FROM numbers(3)", limit="1") == "0\n"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "SELECT (",
        "SELECT {a:UInt8}",
        "SELECT 1; SELECT 2",
        "SELECT 1 INTO OUTFILE '/tmp/never'",
        "CREATE DATABASE never",
        "USE system",
        "INSERT INTO never FORMAT CSV\n1\n",
    ],
)
def test_nothing_runs_in_a_database_that_does_not_exist(engine: EngineProcess, sql: str):
    assert engine.refusal(sql, database="never") == NO_DATABASE
    assert engine.refusal(sql, database="never", wait_end_of_query="1") == NO_DATABASE
    assert engine.text("EXISTS DATABASE never") == "0\n"


def test_a_database_of_any_name_is_entered(engine: EngineProcess):
    name = "a b&max_threads=3`'ä"
    quoted = "`" + name.replace("`", "\\`") + "`"
    engine.text(f"CREATE DATABASE {quoted}")
    try:
        assert engine.text("SELECT currentDatabase() FORMAT TSVRaw", database=name) == name + "\n"
    finally:
        engine.text(f"DROP DATABASE {quoted}")


def test_nothing_of_a_request_reaches_the_next(engine: EngineProcess):
    params = {"database": "system", "max_threads": "7"}
    with engine.client() as client:
        for sql in (
            "SET max_block_size = 77",
            "USE default",
            "CREATE TEMPORARY TABLE left (a Int8)",
        ):
            assert client.post("/", params=params, content=sql).status_code == 200
        failed = "SELECT throwIf(number = 100000) FROM numbers(200000)"
        assert client.post("/", params=params, content=failed).status_code == 500
        asked = "SELECT currentDatabase(), getSetting('max_threads'), getSetting('max_block_size') != 77"
        assert client.post("/", params=params, content=asked).text == "system\t7\t1\n"
        assert client.post("/", params=params, content="EXISTS TEMPORARY TABLE left").text == "0\n"
    assert engine.text("SELECT currentDatabase(), getSetting('max_threads') != 7") == "default\t1\n"


@pytest.mark.parametrize(
    ("sql", "refused"),
    [
        ("SELECT 1; SELECT 2", (400, "62")),
        ("SELECT 1 PARALLEL WITH SELECT 2", (400, "62")),
        ("SELECT 1 INTO OUTFILE '/tmp/never'", (500, "1")),
        ("SELECT (", (400, "62")),
    ],
)
def test_a_refusal_is_the_same_the_second_time(engine: EngineProcess, sql: str, refused):
    assert [engine.refusal(sql) for _ in range(3)] == [refused] * 3
    assert engine.refusal(sql, **BY_SET) == refused


def test_what_one_may_do_is_refused_to_who_may_not(engine: EngineProcess):
    sql = "CREATE TABLE IF NOT EXISTS default.kept (a Int8) ENGINE = Memory"
    for _ in range(2):
        engine.text(sql)
    assert engine.refusal(sql, login="bi") == (500, "164")
    assert engine.refusal(sql, readonly="1") == (500, "164")
    with engine.client() as client:
        answer = client.get("/", params={"query": sql})
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (500, "164")
    engine.text("DROP TABLE default.kept")


@pytest.mark.parametrize("query_id", ["prepared-1", "prepared 2 'ä'&log_comment=x"])
def test_a_statement_in_a_database_is_killed_by_its_id(engine: EngineProcess, query_id: str):
    params = {"database": "system", "max_threads": "1", "query_id": query_id}
    answers: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: answers.append(engine.refusal(SLOW, **params)))
    thread.start()
    poll(lambda: engine.running(query_id))
    engine.text("KILL QUERY WHERE query_id = {id:String}", param_id=query_id)
    thread.join(10)
    assert answers == [(500, "394")]
