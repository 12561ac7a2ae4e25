"""Errors as a ClickHouse server words them, and the HTTP status each has.

Source: ClickHouse `src/Server/HTTP/exceptionCodeToHTTPStatus.cpp` and
`src/Common/ErrorCodes.cpp`; the numbers are asked from the engine (`errorCodeToName`).
"""

import re
from collections.abc import Mapping

UNKNOWN_EXCEPTION = 1002

STATUS_NAMES: Mapping[int, str] = {
    401: "REQUIRED_PASSWORD",
    403: "UNKNOWN_USER WRONG_PASSWORD AUTHENTICATION_FAILED SET_NON_GRANTED_ROLE ACCESS_DENIED",
    404: "UNKNOWN_TABLE UNKNOWN_FUNCTION UNKNOWN_IDENTIFIER UNKNOWN_TYPE UNKNOWN_STORAGE"
    " UNKNOWN_DATABASE UNKNOWN_SETTING UNKNOWN_DIRECTION_OF_SORTING UNKNOWN_AGGREGATE_FUNCTION"
    " UNKNOWN_FORMAT UNKNOWN_DATABASE_ENGINE UNKNOWN_TYPE_OF_QUERY UNKNOWN_ROLE",
    400: "BAD_ARGUMENTS CANNOT_COMPILE_REGEXP CANNOT_PARSE_TEXT CANNOT_PARSE_ESCAPE_SEQUENCE"
    " CANNOT_PARSE_QUOTED_STRING CANNOT_PARSE_DATE CANNOT_PARSE_DATETIME CANNOT_PARSE_NUMBER"
    " CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING CANNOT_PARSE_IPV4 CANNOT_PARSE_IPV6"
    " CANNOT_PARSE_INPUT_ASSERTION_FAILED CANNOT_PARSE_UUID DUPLICATE_COLUMN ILLEGAL_COLUMN"
    " UNKNOWN_ELEMENT_IN_AST UNKNOWN_TYPE_OF_AST_NODE THERE_IS_NO_COLUMN TOO_DEEP_AST TOO_BIG_AST"
    " UNEXPECTED_AST_STRUCTURE SYNTAX_ERROR INCORRECT_DATA TYPE_MISMATCH"
    " VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
    408: "TIMEOUT_EXCEEDED",
    411: "HTTP_LENGTH_REQUIRED",
    413: "QUERY_IS_TOO_LARGE TOO_MANY_BYTES",
    415: "UNSUPPORTED_MEDIA_TYPE",
    501: "NOT_IMPLEMENTED",
    503: "SOCKET_TIMEOUT CANNOT_OPEN_FILE CANNOT_SCHEDULE_TASK",
}

_CODE = re.compile(r"Code: (\d+)\. ")


class ServerError(Exception):
    """A refusal of the face itself: `code` and `name` are the server's for the same fault."""

    def __init__(self, code: int, name: str, text: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text}. ({name})")
        self.code = code
        self.name = name


def syntax_error(text: str) -> ServerError:
    """62 SYNTAX_ERROR."""
    return ServerError(62, "SYNTAX_ERROR", text)


def readonly_error(text: str) -> ServerError:
    """164 READONLY."""
    return ServerError(164, "READONLY", text)


def code_of(error: BaseException) -> int:
    """The ClickHouse error number of what the engine or the face raised; 1002 if it has none."""
    found = _CODE.search(str(error))
    return int(found[1]) if found else UNKNOWN_EXCEPTION


def message_of(error: BaseException, version: str) -> str:
    """One line as a server writes it: `Code: N. DB::Exception: text. (NAME) (version …)`."""
    text = str(error)
    found = _CODE.search(text)
    if not found:
        text = f"Code: {UNKNOWN_EXCEPTION}. DB::Exception: {text}. (UNKNOWN_EXCEPTION)"
    else:
        text = text[found.start() :]
    text = text.rstrip().removesuffix(f"(version {version})").rstrip()
    return f"{text} (version {version} (official build))"


def statuses(numbers: Mapping[str, int]) -> dict[int, int]:
    """HTTP status by error number, from the engine's own `numbers` by name; the rest are 500."""
    return {
        numbers[name]: status
        for status, names in STATUS_NAMES.items()
        for name in names.split()
        if name in numbers
    }
