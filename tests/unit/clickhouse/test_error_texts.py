"""What an exception of clickhouse-connect means: the statement is at fault, or it may be tried again."""

import pytest
from clickhouse_connect.driver.exceptions import (
    DatabaseError,
    DataError,
    OperationalError,
    ProgrammingError,
)

from clickhouse.errors import (
    NOT_MIGRATED,
    EngineError,
    EngineUnavailable,
    from_driver,
)

URL = " (for url http://127.0.0.1:8123)"


def answered(code: int, name: str, detail: str, kind: str = "DB::Exception") -> DatabaseError:
    """As the driver raises what the engine answered."""
    error = DatabaseError(
        f"Received ClickHouse exception, code: {code}, server response:"
        f" Code: {code}. {kind}: {detail} ({name}){URL}"
    )
    error.code, error.name = code, name
    return error


@pytest.mark.parametrize(
    ("code", "name", "detail"),
    [
        (60, "UNKNOWN_TABLE", "Table shopstream.orders does not exist."),
        (81, "UNKNOWN_DATABASE", "Database shopstream does not exist."),
        (62, "SYNTAX_ERROR", "Syntax error: failed at position 1 (SELEC):\nSELEC 1."),
        (
            395,
            "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO",
            "x (Y): while executing 'FUNCTION throwIf(1)'.",
        ),
        (516, "AUTHENTICATION_FAILED", "app: Authentication failed: password is incorrect."),
        (497, "ACCESS_DENIED", "bi: Not enough privileges."),
        (514, "ACCESS_STORAGE_READONLY", "Cannot insert user: storage is readonly."),
    ],
)
def test_a_statement_that_is_at_fault_has_the_code_and_its_name(
    code: int, name: str, detail: str
) -> None:
    error = from_driver(answered(code, name, detail))
    assert isinstance(error, EngineError)
    assert (error.code, error.name) == (code, name)
    assert str(error) == f"{name} ({code}): {detail}"


@pytest.mark.parametrize("kind", ["DB::Exception", "DB::NetException", "DB::ParsingException"])
def test_the_kind_of_exception_and_the_address_are_not_repeated(kind: str) -> None:
    error = from_driver(answered(27, "CANNOT_PARSE", "Cannot parse input.", kind))
    assert str(error) == "CANNOT_PARSE (27): Cannot parse input."


def test_a_code_without_a_name_is_unknown() -> None:
    error = answered(47, "X", "Missing columns.")
    error.name = None
    said = from_driver(error)
    assert isinstance(said, EngineError)
    assert (said.code, said.name) == (47, "UNKNOWN")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (159, "TIMEOUT_EXCEEDED"),
        (202, "TOO_MANY_SIMULTANEOUS_QUERIES"),
        (209, "SOCKET_TIMEOUT"),
        (210, "NETWORK_ERROR"),
        (236, "ABORTED"),
        (241, "MEMORY_LIMIT_EXCEEDED"),
        (242, "TABLE_IS_READ_ONLY"),
        (252, "TOO_MANY_PARTS"),
        (173, "CANNOT_ALLOCATE_MEMORY"),
        (745, "SERVER_OVERLOADED"),
        (777, "MEMORY_RESERVATION_KILLED"),
        (778, "MEMORY_RESERVATION_FAILED"),
        (1019, "QUERY_SLOT_ACQUISITION_TIMEOUT"),
        (1020, "MEMORY_RESERVATION_ACQUISITION_TIMEOUT"),
        (394, "QUERY_WAS_CANCELLED"),
        (999, "KEEPER_EXCEPTION"),
    ],
)
def test_an_engine_that_cannot_serve_now_may_be_asked_again(code: int, name: str) -> None:
    error = from_driver(answered(code, name, "Not now."))
    assert isinstance(error, EngineUnavailable)
    assert str(error) == f"{name} ({code}): Not now."


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_answer_that_is_not_of_clickhouse_may_be_asked_again(status: int) -> None:
    error = from_driver(
        DatabaseError(
            f"HTTP driver received HTTP status {status}, server response: <html>Bad</html>{URL}"
        )
    )
    assert isinstance(error, EngineUnavailable)
    assert str(error) == "the engine answered: <html>Bad</html>"


def test_a_long_answer_that_is_not_of_clickhouse_is_cut() -> None:
    text = f"HTTP driver received HTTP status 502, server response: {'x' * 10_000}{URL}"
    assert len(str(from_driver(DatabaseError(text)))) == 221


@pytest.mark.parametrize("status", [400, 404, 413])
def test_a_request_that_will_never_do_is_an_error(status: int) -> None:
    error = from_driver(
        DatabaseError(f"HTTP driver received HTTP status {status}, server response: no{URL}")
    )
    assert isinstance(error, EngineError)
    assert (error.code, error.name, str(error)) == (0, f"HTTP_{status}", f"HTTP_{status} (0): no")


@pytest.mark.parametrize("kind", [OperationalError, DatabaseError])
def test_no_connection_may_be_tried_again(kind: type[Exception]) -> None:
    error = from_driver(kind("Error Connection refused executing HTTP request attempt 1"))
    assert isinstance(error, EngineUnavailable)
    assert str(error).startswith("the engine cannot be reached: Error Connection refused")


@pytest.mark.parametrize("kind", [ProgrammingError, DataError])
def test_what_the_driver_itself_refuses_is_an_error(kind: type[Exception]) -> None:
    error = from_driver(kind("no such type"))
    assert isinstance(error, EngineError)
    assert str(error) == f"{kind.__name__} (0): no such type"


def test_what_migrate_would_repair_is_known() -> None:
    assert {60, 81} == NOT_MIGRATED
