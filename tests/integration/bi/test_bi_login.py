"""The login `bi` of `shopstream up`: it reads the views, within limits, and does nothing else."""

import threading
from pathlib import Path

import pytest
from promised import VIEWS
from refusal import NO_GRANT, code
from warehouse import Warehouse

from local.clickhouse.config import BI_LIMITS
from support.waiting import eventually

READ_ONLY, BEYOND = 164, 452
ENDLESS = "SELECT count() FROM numbers(400000000) WHERE NOT ignore(arrayMap(x -> sipHash64(x, number), range(100)))"
REFUSED = {
    "SELECT * FROM shopstream.orders": NO_GRANT,
    "SELECT count() FROM shopstream.zone_offsets": NO_GRANT,
    "SELECT * FROM shopstream.present_names": NO_GRANT,
    "SELECT * FROM view(SELECT * FROM shopstream.orders)": NO_GRANT,
    "SELECT * FROM mergeTreeIndex(shopstream, orders)": NO_GRANT,
    "SELECT * FROM mergeTreeAnalyzeIndexes(shopstream, orders)": NO_GRANT,
    "SELECT * FROM loop('shopstream', 'orders')": NO_GRANT,
    "SELECT * FROM merge('shopstream', '.*')": 636,
    "SELECT hasColumnInTable('shopstream', 'orders', 'version')": NO_GRANT,
    "DESCRIBE shopstream.orders": NO_GRANT,
    "SHOW CREATE TABLE shopstream.orders": NO_GRANT,
    "SELECT * FROM system.users": NO_GRANT,
    "SELECT * FROM system.processes": NO_GRANT,
    "SELECT * FROM system.parts": NO_GRANT,
    "SELECT * FROM system.server_settings": NO_GRANT,
    "SELECT * FROM system.row_policies": NO_GRANT,
    "SELECT * FROM system.errors": NO_GRANT,
    "SELECT * FROM system.events": NO_GRANT,
    "SELECT * FROM system.stack_trace": NO_GRANT,
    "SELECT * FROM file('/etc/hostname', 'LineAsString', 'a String')": 1001,
    "SELECT * FROM filesystem('/etc')": NO_GRANT,
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')": NO_GRANT,
    "SELECT * FROM remote('127.0.0.1', 'shopstream.orders')": NO_GRANT,
    "SELECT * FROM executable('id', 'CSV', 'a String')": NO_GRANT,
    "SELECT * FROM s3('http://127.0.0.1:1/bucket/x', 'CSV', 'a String')": NO_GRANT,
    "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')": NO_GRANT,
    "SELECT * FROM format(CSV, 'a String', '1')": NO_GRANT,
    "INSERT INTO shopstream.orders SELECT * FROM shopstream.orders": NO_GRANT,
    "INSERT INTO shopstream_bi.orders SELECT * FROM shopstream_bi.orders": NO_GRANT,
    "INSERT INTO FUNCTION url('http://127.0.0.1:1/', 'CSV', 'a String') VALUES ('x')": NO_GRANT,
    "CREATE TABLE shopstream_bi.never (a Int8) ENGINE = Memory": NO_GRANT,
    "CREATE TABLE default.never (a Int8) ENGINE = Memory": NO_GRANT,
    "CREATE VIEW shopstream_bi.never AS SELECT 1": NO_GRANT,
    "CREATE TEMPORARY TABLE never (a Int8)": NO_GRANT,
    "CREATE DATABASE never": NO_GRANT,
    "CREATE USER never": NO_GRANT,
    "CREATE FUNCTION never AS x -> x": NO_GRANT,
    "GRANT SELECT ON shopstream.* TO bi": NO_GRANT,
    "ALTER USER bi IDENTIFIED BY 'x'": NO_GRANT,
    "ALTER TABLE shopstream.orders DELETE WHERE 1": NO_GRANT,
    "TRUNCATE TABLE shopstream.orders": NO_GRANT,
    "DROP VIEW shopstream_bi.orders": NO_GRANT,
    "DROP DATABASE shopstream": NO_GRANT,
    "SYSTEM STOP LISTEN HTTP": NO_GRANT,
    "SYSTEM START LISTEN HTTP": NO_GRANT,
    "SYSTEM SHUTDOWN": NO_GRANT,
    "SYSTEM STOP MERGES shopstream.orders": NO_GRANT,
    "BACKUP DATABASE shopstream TO File('x')": NO_GRANT,
    "SET readonly = 0": READ_ONLY,
    "SELECT 1 SETTINGS readonly = 0": READ_ONLY,
}


@pytest.mark.parametrize("statement", REFUSED)
def test_it_is_refused_everything_but_the_views(warehouse: Warehouse, statement: str) -> None:
    assert code(warehouse.bi, statement) == REFUSED[statement]


@pytest.mark.parametrize("name", VIEWS)
def test_it_reads_each_view(warehouse: Warehouse, name: str) -> None:
    assert code(warehouse.bi, f"SELECT * FROM shopstream_bi.{name} LIMIT 1") == 0


def test_it_sees_the_views_alone(warehouse: Warehouse) -> None:
    for login in ("bi", "bi_1"):
        asked = "SELECT DISTINCT database FROM system.{}"
        sql = warehouse.engine.sql(login)
        assert sql.rows(asked.format("tables") + " WHERE database NOT ILIKE '%schema'") in (
            [["shopstream_bi"]],
            [["shopstream_bi"], ["system"]],
            [["system"], ["shopstream_bi"]],
        )
        assert sql.rows("SELECT count() FROM system.columns WHERE database = 'shopstream'") == [
            ["0"]
        ]


def test_merges_of_tables_that_it_may_not_touch_go_on(warehouse: Warehouse) -> None:
    """Without a table the statement is of those that one may stop: none."""
    warehouse.sql.text(
        "CREATE OR REPLACE TABLE default.merged (a Int8) ENGINE = MergeTree ORDER BY a"
    )
    assert code(warehouse.bi, "SYSTEM STOP MERGES") == 0
    for _ in range(2):
        warehouse.sql.text("INSERT INTO default.merged VALUES (1)")
    warehouse.sql.text("OPTIMIZE TABLE default.merged FINAL")
    parts = "SELECT count() FROM system.parts WHERE table = 'merged' AND active"
    assert warehouse.sql.rows(parts) == [["1"]]


def test_kill_ends_no_statement_of_others(warehouse: Warehouse) -> None:
    assert code(warehouse.bi, "KILL QUERY WHERE user != 'bi' SYNC") in (0, NO_GRANT)
    assert warehouse.sql.rows("SELECT 1") == [[1]]


@pytest.mark.parametrize("name", BI_LIMITS)
def test_no_limit_can_be_raised_or_taken_off(warehouse: Warehouse, name: str) -> None:
    # as many threads as there are cores, which may be two
    automatic = {0} if name == "max_threads" else set()
    for value in {BI_LIMITS[name] + 1, 0} - automatic:
        assert code(warehouse.bi, f"SET {name} = {value}") == BEYOND
        assert code(warehouse.bi, f"SELECT 1 SETTINGS {name} = {value}") == BEYOND
        assert code(warehouse.bi, "SELECT 1", {name: str(value)}) == BEYOND
        assert code(warehouse.bi, "SELECT 1", {name: str(value), "profile": "default"}) == BEYOND


@pytest.mark.parametrize("name", BI_LIMITS)
def test_less_may_be_asked_for(warehouse: Warehouse, name: str) -> None:
    less = str(BI_LIMITS[name] - 1)
    asked = f"SELECT getSetting('{name}')"
    assert warehouse.bi.text(f"{asked} FORMAT TSV", params={name: less}).decode() == f"{less}\n"
    assert warehouse.bi.text(f"{asked} FORMAT TSV").decode() == f"{BI_LIMITS[name]}\n"


@pytest.mark.parametrize(
    ("statement", "params", "said"),
    [
        ("SELECT length(range(400000000))", {}, 241),
        ("SELECT number, count() FROM numbers(100000000) GROUP BY number", {}, 241),
        (
            "SELECT number, count() FROM numbers(100000000) GROUP BY number",
            {"max_untracked_memory": str(10**12)},
            241,
        ),
        ("SELECT count() FROM numbers(500000001)", {}, 158),
        ("SELECT number FROM numbers(1000001)", {}, 396),
        ("SELECT toString(number) FROM numbers(900000)", {"max_result_bytes": "1000000"}, 396),
        (ENDLESS, {"max_execution_time": "1"}, 159),
    ],
)
def test_a_statement_beyond_a_limit_ends_while_others_are_served(
    warehouse: Warehouse, statement: str, params: dict[str, str], said: int
) -> None:
    found: list[int] = []
    thread = threading.Thread(
        target=lambda: found.append(code(warehouse.bi, statement, {"buffer_size": "0", **params}))
    )
    thread.start()
    running = True
    while running:
        running = thread.is_alive()
        assert warehouse.sql.rows("SELECT count() > 0 FROM shopstream.zone_offsets") == [[1]]
    assert found == [said]


def test_eight_statements_run_at_once_and_the_ninth_is_refused(warehouse: Warehouse) -> None:
    mine = "SELECT count() FROM system.processes WHERE user = 'bi'"
    threads = [
        threading.Thread(target=code, args=(warehouse.bi, ENDLESS, {"query_id": f"bi-{n}"}))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    eventually(lambda: warehouse.sql.rows(mine) == [["8"]], what="eight running")
    assert code(warehouse.bi, "SELECT 1") == 202
    assert warehouse.engine.sql("bi_1").rows("SELECT 1") == [[1]]
    assert warehouse.sql.rows("SELECT 1") == [[1]]
    warehouse.sql.text("KILL QUERY WHERE user = 'bi' SYNC")
    for thread in threads:
        thread.join(10)
    eventually(lambda: code(warehouse.bi, "SELECT 1") == 0, what="bi is served")


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_reads_with_the_rights_of_who_made_it(warehouse: Warehouse, name: str) -> None:
    (made,) = warehouse.bi.rows(f"SHOW CREATE VIEW shopstream_bi.{name}")
    assert "DEFINER = app SQL SECURITY DEFINER" in made[0]


def test_the_page_has_the_limits_as_they_are() -> None:
    page = (Path(__file__).parents[3] / "docs" / "bi.md").read_text().replace("\n", " ")
    gib, million = 1024**3, 1_000_000
    assert (
        f"Each statement may take {BI_LIMITS['max_execution_time']} s, {BI_LIMITS['max_threads']} threads"
        f" and {BI_LIMITS['max_memory_usage'] // gib} GiB of memory,"
        f" read {BI_LIMITS['max_rows_to_read'] // million} million rows,"
        f" and give {BI_LIMITS['max_result_rows'] // million} million rows"
        f" of {BI_LIMITS['max_result_bytes'] // gib} GiB."
        f" Each login may run {BI_LIMITS['max_concurrent_queries_for_user']} statements at once,"
        f" with {BI_LIMITS['max_memory_usage_for_user'] // gib} GiB of memory and"
        f" {BI_LIMITS['max_temporary_data_on_disk_size_for_user'] // gib} GiB of temporary files together."
    ) in page
