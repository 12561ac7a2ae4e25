import pytest

from shopstream.clickhouse.embedded.errors import ServerError, code_of, message_of, statuses


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("Code: 60. DB::Exception: No. (X)", 60, "Code: 60. DB::Exception: No. (X)"),
        (
            "Streaming insert finish failed: Code: 27. DB::Exception: No. (X) (version 26.9)",
            27,
            "Code: 27. DB::Exception: No. (X)",
        ),
        ("out of paper", 1002, "Code: 1002. DB::Exception: out of paper. (UNKNOWN_EXCEPTION)"),
    ],
)
def test_any_error_has_a_code_and_a_message(text: str, code: int, message: str):
    error = RuntimeError(text)
    assert code_of(error) == code
    assert message_of(error, "26.9") == f"{message} (version 26.9 (official build))"


def test_a_refusal_is_worded_as_a_server_does():
    assert (
        str(ServerError(62, "SYNTAX_ERROR", "No")) == "Code: 62. DB::Exception: No. (SYNTAX_ERROR)"
    )


def test_statuses_are_by_the_engines_numbers():
    numbers = {"SYNTAX_ERROR": 62, "UNKNOWN_TABLE": 60, "TIMEOUT_EXCEEDED": 159, "OTHER": 1}
    assert statuses(numbers) == {62: 400, 60: 404, 159: 408}
