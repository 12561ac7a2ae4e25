"""What can go wrong at the engine: it answers with an error, or it does not answer."""

import re

_CODE = re.compile(r"Code: (\d+)\. (?:\w+::)?\w*Exception: (.*)", re.DOTALL)
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)\s*(?:\(version (?:[^()]|\([^()]*\))*\))?\s*$")

# The engine cannot serve now, but the statement is not at fault (ErrorCodes.cpp of ClickHouse).
_TRANSIENT = frozenset(
    {159, 160, 202, 203, 209, 210, 236, 241, 242, 243, 252, 319, 373, 394, 425, 439, 999}
)
NOT_MIGRATED = frozenset({60, 81})
"""Unknown table or database: `shopstream migrate` has not run yet."""


class EngineError(Exception):
    """The engine refused or failed a statement. `code` is ClickHouse's, `name` its symbol."""

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(f"{name} ({code}): {message}")
        self.code = code
        self.name = name


class EngineUnavailable(Exception):
    """Nothing that the statement could help: no connection, a time-out, overload, shutdown."""


def from_text(text: str, status: int = 500) -> EngineError | EngineUnavailable:
    """The exception that an error body of the HTTP interface tells of.

    `status`: of HTTP; where the body is not the engine's own, 4xx means that the request will never do.
    """
    match = _CODE.search(text)
    if not match and 400 <= status < 500:
        return EngineError(0, f"HTTP_{status}", text[:200].strip())
    if not match:
        return EngineUnavailable(f"the engine answered: {text[:200].strip()}")
    code, message = int(match[1]), match[2].strip()
    name = _NAME.search(message)
    error = EngineError(code, name[1] if name else "UNKNOWN", message[:2000])
    return EngineUnavailable(str(error)) if code in _TRANSIENT else error
