"""What an error body of ClickHouse means: the statement is at fault, or it may be tried again."""

import re

import pytest

from shopstream.clickhouse.errors import NOT_MIGRATED, EngineError, EngineUnavailable, from_text

SERVER = " (version 25.8.2.29 (official build))\n"


@pytest.mark.parametrize(
    ("text", "code", "name"),
    [
        (
            "Code: 60. DB::Exception: Table shopstream.orders does not exist. (UNKNOWN_TABLE)"
            + SERVER,
            60,
            "UNKNOWN_TABLE",
        ),
        (
            "Code: 81. DB::Exception: Database shopstream does not exist. (UNKNOWN_DATABASE)"
            + SERVER,
            81,
            "UNKNOWN_DATABASE",
        ),
        (
            "Code: 62. DB::Exception: Syntax error: failed at position 1 (SELEC) (line 1, col 1): "
            "SELEC 1. Expected one of: Query, SELECT query. (SYNTAX_ERROR)" + SERVER,
            62,
            "SYNTAX_ERROR",
        ),
        (
            "Code: 516. DB::Exception: default: Authentication failed: password is incorrect, or "
            "there is no user with such name.\n\nIf you use ClickHouse Cloud, …\n\n. "
            "(AUTHENTICATION_FAILED)" + SERVER,
            516,
            "AUTHENTICATION_FAILED",
        ),
        (
            "Code: 60. DB::Exception: Unknown table expression identifier 'nope'. "
            "In scope SELECT * FROM nope. (UNKNOWN_TABLE)",
            60,
            "UNKNOWN_TABLE",
        ),
        (
            "Code: 395. DB::Exception: x (Y): while executing 'FUNCTION throwIf(1)'. "
            "(FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) (version 24.8.4.13)",
            395,
            "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO",
        ),
        (
            "Code: 27. DB::ParsingException: Cannot parse input: expected ',' . "
            "(CANNOT_PARSE_INPUT_ASSERTION_FAILED) (version 22.8.1.2097 (altinity build))",
            27,
            "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
        ),
        ("Code: 47. DB::Exception: Missing columns: 'x' while processing query", 47, "UNKNOWN"),
        (
            "[[1,2],\r\n__exception__\r\nCode: 153. DB::Exception: Division by zero. "
            "(ILLEGAL_DIVISION)" + SERVER,
            153,
            "ILLEGAL_DIVISION",
        ),
    ],
)
def test_a_statement_that_is_at_fault_has_the_code_and_its_name(text, code, name):
    error = from_text(text)
    assert isinstance(error, EngineError)
    assert (error.code, error.name) == (code, name)
    assert str(error).startswith(f"{name} ({code}): ")


@pytest.mark.parametrize(
    "text",
    [
        "Code: 159. DB::Exception: Timeout exceeded: elapsed 60.1 seconds. (TIMEOUT_EXCEEDED)"
        + SERVER,
        "Code: 202. DB::Exception: Too many simultaneous queries. Maximum: 100. "
        "(TOO_MANY_SIMULTANEOUS_QUERIES)" + SERVER,
        "Code: 209. DB::NetException: Timeout: connect timed out. (SOCKET_TIMEOUT)" + SERVER,
        "Code: 210. DB::NetException: Connection refused (localhost:9000). (NETWORK_ERROR)"
        + SERVER,
        "Code: 236. DB::Exception: Server shutdown is called. (ABORTED)" + SERVER,
        "Code: 241. DB::Exception: Memory limit (total) exceeded: would use 3.6 GiB (attempt to "
        "allocate chunk of 4194304 bytes), maximum: 3.5 GiB. (MEMORY_LIMIT_EXCEEDED)" + SERVER,
        "Code: 242. DB::Exception: Table is in readonly mode. (TABLE_IS_READ_ONLY)" + SERVER,
        "Code: 252. DB::Exception: Too many parts (3000). (TOO_MANY_PARTS)" + SERVER,
        "Code: 999. Coordination::Exception: Session expired. (KEEPER_EXCEPTION)" + SERVER,
    ],
)
def test_an_engine_that_cannot_serve_now_may_be_asked_again(text):
    error = from_text(text)
    assert isinstance(error, EngineUnavailable)
    code, name = re.search(r"Code: (\d+).*\(([A-Z_]+)\)", text).groups()
    assert str(error).startswith(f"{name} ({code}): ")


@pytest.mark.parametrize(
    "text",
    ["", "<html>502 Bad Gateway</html>", "Poco::Exception. Code: 1000", "upstream timed out"],
)
def test_an_answer_that_is_not_of_clickhouse_may_be_asked_again(text):
    error = from_text(text)
    assert isinstance(error, EngineUnavailable)
    assert str(error) == f"the engine answered: {text}"


def test_a_long_answer_is_cut():
    assert len(str(from_text("x" * 10_000))) == 221
    long = from_text(f"Code: 62. DB::Exception: {'x' * 10_000}. (SYNTAX_ERROR){SERVER}")
    assert (long.name, len(str(long))) == ("SYNTAX_ERROR", 2019)


def test_what_migrate_would_mend_is_known():
    assert {60, 81} == NOT_MIGRATED
