"""What a request may do: the engine's `readonly` for it, and the settings that it may bring."""

from typing import Final

from . import guard
from .call import Call

FREE: Final = "0"
READ: Final = "1"
READ_AND_SET: Final = "2"


def level(call: Call, word: str) -> str:
    """`readonly` for a statement that begins with `word`: GET means 2, a read-only login 1."""
    if call.login.readonly:
        return READ_AND_SET if word == "SET" else READ
    asked = call.params.get("readonly") or FREE
    return READ_AND_SET if call.read_only_method and asked == FREE else asked


def settings(call: Call, word: str, in_session: bool) -> dict[str, str]:
    """The URL's settings, without `readonly`.

    None for a session's own SET, which must outlive them.

    Raises:
        ServerError: 115 for what is no name, 164 for what a read-only login may not set.
    """
    found = call.settings()
    if call.login.readonly:
        guard.check_settings(found)
    found.pop("readonly", None)
    return {} if word == "SET" and in_session else found
