import io
import json

import pyarrow as pa
import pytest
from engine_harness import EngineProcess

DEDUPLICATED = "ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100"
PIPELINE = {
    "database": "shop",
    "async_insert": "0",
    "max_insert_threads": "1",
    "deduplicate_blocks_in_dependent_materialized_views": "1",
}


def arrow(count: int) -> bytes:
    numbers = range(count)
    table = pa.table({"a": pa.array(numbers, pa.uint64()), "b": [f"row {n}" for n in numbers]})
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=65536)
    return sink.getvalue()


def fresh(engine: EngineProcess, name: str) -> None:
    engine.text(f"CREATE OR REPLACE TABLE shop.{name} (a UInt64, b String) {DEDUPLICATED}")


def count(engine: EngineProcess, name: str) -> int:
    return int(engine.text(f"SELECT count() FROM shop.{name}"))


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", "INSERT INTO shop.forms (a, b) VALUES (1, 'x'), (2, 'it''s');"),
        ("", "INSERT INTO shop.forms (a, b) FORMAT CSV\n1,x\n2,it's\n"),
        ("", "INSERT INTO shop.forms (a, b) FORMAT CSV 1,x\n2,it's\n"),
        ("", "INSERT INTO shop.forms (a, b) FORMAT TSV\r\n1\tx\n2\tit's\n"),
        (
            "",
            "INSERT INTO shop.forms SETTINGS max_insert_threads = 1 VALUES (1, 'x'), (2, 'it''s')",
        ),
        ("", "/* VALUES */ INSERT INTO shop.forms -- FORMAT\n VALUES (1, 'x'), (2, 'it''s')"),
        ("INSERT INTO shop.forms FORMAT CSV", "1,x\n2,it's\n"),
        ("INSERT INTO shop.forms (a, b) VALUES", "(1, 'x'), (2, 'it''s')"),
        ("INSERT INTO shop.forms VALUES (1, 'x'),", "(2, 'it''s')"),
        ("INSERT INTO shop.forms FORMAT JSONEachRow", '{"a":1,"b":"x"}\n{"a":2,"b":"it\'s"}\n'),
        ("INSERT INTO shop.forms SELECT 1, 'x' UNION ALL SELECT 2,", "'it''s'"),
    ],
)
def test_rows_come_in_every_form(engine: EngineProcess, query: str, body: str):
    fresh(engine, "forms")
    assert engine.text(body, query=query) == ""
    assert engine.text("SELECT * FROM shop.forms ORDER BY a") == "1\tx\n2\tit\\'s\n"


def test_columns_may_be_named_as_clauses(engine: EngineProcess):
    engine.text("CREATE TABLE shop.names (format UInt8, values UInt8) ENGINE = Memory")
    engine.text("INSERT INTO shop.names (format, values) FORMAT CSV\n1,2\n")
    assert engine.text("SELECT values, format FROM shop.names") == "2\t1\n"


def test_an_empty_body_writes_no_rows(engine: EngineProcess):
    fresh(engine, "empty")
    assert engine.text("", query="INSERT INTO shop.empty FORMAT CSV") == ""
    assert count(engine, "empty") == 0


def test_parameters_go_with_values_and_names(engine: EngineProcess):
    fresh(engine, "bound")
    bound = {"param_t": "bound", "param_a": "5"}
    engine.text("INSERT INTO shop.{t:Identifier} VALUES ({a:UInt64}, 'x')", **bound)
    engine.text("6,y\n", query="INSERT INTO shop.{t:Identifier} FORMAT CSV", **bound)
    assert engine.text("SELECT * FROM shop.bound ORDER BY a") == "5\tx\n6\ty\n"


def test_the_summary_counts_written_rows(engine: EngineProcess):
    fresh(engine, "counted")
    with engine.client() as client:
        answer = client.post("/", content="INSERT INTO shop.counted VALUES (1, 'x'), (2, 'y')")
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "2"


def test_bad_rows_are_refused_and_leave_nothing(engine: EngineProcess):
    fresh(engine, "bad")
    assert engine.refusal("INSERT INTO shop.bad FORMAT CSV\nx,y\n")[0] == 400
    assert engine.refusal("INSERT INTO shop.nope FORMAT CSV\nx,y\n") == (404, "60")
    assert engine.refusal("xyz", query="INSERT INTO shop.bad FORMAT Arrow")[0] == 500
    assert count(engine, "bad") == 0
    assert engine.text("SELECT 1") == "1\n"


def test_a_big_arrow_body_goes_in_once_under_its_token(engine: EngineProcess):
    fresh(engine, "big")
    body = arrow(1_000_000)
    assert len(body) > 20_000_000
    for token, total in (("t1", 1_000_000), ("t1", 1_000_000), ("t2", 2_000_000)):
        with engine.client() as client:
            params = {
                **PIPELINE,
                "query": "INSERT INTO big (a, b) FORMAT Arrow",
                "insert_deduplication_token": token,
                "query_id": f"big-{token}",
                "param_batch": "7",
            }
            assert client.post("/", params=params, content=body).status_code == 200
        assert count(engine, "big") == total


@pytest.mark.parametrize("structure", [{}, {"staged_structure": "a UInt64, b String"}])
def test_insert_select_from_external_arrow_runs_once_under_its_token(
    engine: EngineProcess, structure: dict[str, str]
):
    fresh(engine, "chosen")
    for token, total in (("t1", 1000), ("t1", 1000), ("t2", 2000)):
        with engine.client() as client:
            params = {
                **PIPELINE,
                **structure,
                "query": "INSERT INTO chosen SELECT a, concat(b, {mark:String}) FROM staged",
                "insert_deduplication_token": token,
                "staged_format": "Arrow",
                "param_mark": "!",
            }
            answer = client.post("/", params=params, files={"staged": arrow(1000)})
        assert answer.status_code == 200, answer.text
        assert count(engine, "chosen") == total
    assert engine.text("SELECT DISTINCT b FROM shop.chosen WHERE a = 3") == "row 3!\n"


def test_the_token_goes_on_to_materialized_views(engine: EngineProcess):
    fresh(engine, "source")
    fresh(engine, "derived")
    engine.text("CREATE MATERIALIZED VIEW shop.derive TO shop.derived AS SELECT * FROM shop.source")
    for _ in range(2):
        params = {**PIPELINE, "insert_deduplication_token": "view-1"}
        engine.text("INSERT INTO source VALUES (1, 'x')", **params)
    assert (count(engine, "source"), count(engine, "derived")) == (1, 1)


def test_a_settings_clause_of_an_insert_holds(engine: EngineProcess):
    fresh(engine, "claused")
    for _ in range(2):
        clause = "SETTINGS insert_deduplication_token = 'c1', async_insert = 0"
        engine.text(f"INSERT INTO shop.claused {clause} VALUES (1, 'x')")
        engine.text(f"INSERT INTO shop.claused {clause} FORMAT CSV\n1,x\n")
    assert count(engine, "claused") == 1
