import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopstream.clickhouse.embedded.scanner import (
    Insert,
    first_word,
    format_clause,
    has_several,
    insert_head,
)


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        (b"select 1", "SELECT"),
        (b"  -- first\n /* second */ #! third\nWITH 1 AS x SELECT x", "WITH"),
        (b"(SELECT 1)", "("),
        (b"", ""),
        (b"-- only a comment", ""),
    ],
)
def test_the_first_word_follows_space_and_comments(sql: bytes, word: str):
    assert first_word(sql) == word


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        (b"SELECT 1", None),
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 1 format CSV ;\n", "CSV"),
        (b"SELECT 1 FORMAT CSV -- at the end", "CSV"),
        (b"SELECT 1 FORMAT CSV SETTINGS max_threads = 1", "CSV"),
        (b"SELECT 1 SETTINGS max_threads = 1 FORMAT CSV", "CSV"),
        (b"SELECT 1 AS format", None),
        (b"SELECT format FROM t", None),
        (b"SELECT a, format FROM t ORDER BY format DESC", None),
        (b"SELECT a FROM t ORDER BY format ASC;", None),
        (b"SELECT 1 -- FORMAT CSV", None),
        (b"SELECT 1 /* FORMAT CSV */", None),
        (b"SELECT 'FORMAT CSV'", None),
        (b"SELECT 1 AS `x FORMAT CSV`", None),
        (b"SELECT $$ FORMAT CSV $$", None),
        (b"SELECT * FROM (SELECT 1 FORMAT CSV)", None),
        (b"SELECT '-- ' FORMAT CSV", "CSV"),
        (b"SELECT * FROM format FORMAT TSV", "TSV"),
        (b"SHOW TABLES FORMAT TSV", "TSV"),
    ],
)
def test_format_is_a_clause_at_the_end_only(sql: bytes, name: str | None):
    assert format_clause(sql) == name


@pytest.mark.parametrize(
    ("sql", "head", "data"),
    [
        (b"INSERT INTO t FORMAT CSV\n1,2", Insert("INSERT INTO t ", "CSV", 25), b"1,2"),
        (b"INSERT INTO t FORMAT CSV  \r\n1,2", Insert("INSERT INTO t ", "CSV", 28), b"1,2"),
        (b"INSERT INTO t FORMAT CSV 1,2", Insert("INSERT INTO t ", "CSV", 25), b"1,2"),
        (b"INSERT INTO t (a) VALUES (1)", Insert("INSERT INTO t (a) ", "Values", 24), b" (1)"),
        (b"insert into values values (1)", Insert("insert into values ", "Values", 25), b" (1)"),
        (
            b"INSERT INTO t (format, values) FORMAT RowBinary\n\n\xff",
            Insert("INSERT INTO t (format, values) ", "RowBinary", 48),
            b"\n\xff",
        ),
    ],
)
def test_an_insert_ends_where_its_data_begins(sql: bytes, head: Insert, data: bytes):
    assert insert_head(sql) == head
    assert sql[head.data :] == data


@pytest.mark.parametrize(
    "sql",
    [
        b"INSERT INTO t SELECT * FROM u",
        b"INSERT INTO t (a) WITH 1 AS x SELECT x",
        b"INSERT INTO t SELECT * FROM u FORMAT CSV",
    ],
)
def test_an_insert_from_a_select_has_no_data(sql: bytes):
    assert insert_head(sql) is None


@pytest.mark.parametrize(
    ("sql", "several"),
    [
        (b"SELECT 1", False),
        (b"SELECT 1;", False),
        (b"SELECT 1; -- done", False),
        (b"SELECT ';' ; ;", False),
        (b"SELECT 1; SELECT 2", True),
        (b"SELECT 1; garbage +", True),
    ],
)
def test_several_statements_are_seen(sql: bytes, several: bool):
    assert has_several(sql) is several


@given(st.binary(max_size=200))
def test_any_bytes_can_be_scanned(sql: bytes):
    first_word(sql)
    format_clause(sql + b" FORMAT x")
    has_several(sql)
