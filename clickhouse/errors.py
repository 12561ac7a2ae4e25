"""What can go wrong at the engine: it answers with an error, or it does not answer."""

import re

from shopstream.faults import Fault

_DETAIL = re.compile(
    r"server response: (?:.*?Code: \d+\. (?:\w+::)?\w*Exception: )?(.*?)(?: \(for url [^)]*\))?$",
    re.DOTALL,
)
_STATUS = re.compile(r"HTTP status (\d+)")

# The engine cannot serve now, but the statement is not at fault (ErrorCodes.cpp of ClickHouse).
_TRANSIENT = frozenset(
    {159, 160, 173, 202, 203, 209, 210, 236, 241, 242, 243, 252, 319, 373, 394, 425, 439, 999}
) | {745, 777, 778, 1019, 1020}
_LATER = ("408", "429")
_EXHAUSTED = re.compile(
    r"errno: (?:23|24|28|122), strerror"
    r"|filesystem error: .*\[(?:Too many open files|No space left on device|Disk quota exceeded)"
    r"|[Ee]xception: (?:Too many open files|No space left on device)"
)
"""The engine's machine has no file or no space left: that passes, and no statement is at fault."""
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


class MigrationChanged(Fault):
    """A migration that ran is no longer the text that ran; a change of schema wants a new number."""


def from_driver(error: Exception) -> EngineError | EngineUnavailable:
    """What an exception of clickhouse-connect means to us.

    One with a code is the engine's own. Without it nothing has answered, or something that is not ClickHouse; a status
    4xx but for 408 and 429 means that the request will never do.
    """
    message = str(error)
    found = _DETAIL.search(message)
    detail = (found[1] if found else message).strip()
    code: int | None = getattr(error, "code", None)
    if code is not None:
        name = getattr(error, "name", None) or "UNKNOWN"
        refused = EngineError(code, name, detail.removesuffix(f" ({name})"))
        passes = code in _TRANSIENT or _EXHAUSTED.search(message)
        return EngineUnavailable(str(refused)) if passes else refused
    status = _STATUS.search(message)
    if status and status[1].startswith("4") and status[1] not in _LATER:
        return EngineError(0, f"HTTP_{status[1]}", detail[:200])
    if status:
        return EngineUnavailable(f"the engine answered: {detail[:200]}")
    if type(error).__name__ in ("DatabaseError", "OperationalError"):
        return EngineUnavailable(f"the engine cannot be reached: {detail}")
    return EngineError(0, type(error).__name__, detail)
