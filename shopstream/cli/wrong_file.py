"""What a file is that has no events in its lines, and the command that makes lines of it. Pure."""

import shlex
from collections.abc import Callable

from shopstream.faults import Fault

TRIED = 10
"""Lines without any event, from the first on, after which a file is not read further."""
_GZIP = b"\x1f\x8b"


class WrongFile(Fault):
    """None of the first `lines` lines of the file `name` is an event; nothing was sent."""

    def __init__(self, name: str, lines: int, first: tuple[int, bytes, str]) -> None:
        number, line, reason = first
        shown = "Standard input" if name == "-" else name
        found = (
            "its only line is no event" if lines == 1 else f"its first {lines} lines are no events"
        )
        super().__init__(
            f"{shown}: {found}; nothing was sent (line {number}: {reason}). {hint(name, line)}"
        )


class Complaints:
    """Passes on what is wrong with lines as soon as one event has shown that the file is one of events.

    Raises:
        WrongFile: from `refused` and `end`, where there was no event until then.
    """

    def __init__(self, name: str, complain: Callable[[int, str], None]) -> None:
        self._name = name
        self._complain = complain
        self._held: list[tuple[int, bytes, str]] | None = []

    def refused(self, number: int, line: bytes, reason: str) -> None:
        """A line is no event."""
        if self._held is None:
            self._complain(number, reason)
            return
        self._held.append((number, line, reason))
        if len(self._held) == TRIED:
            self.end()

    def sent(self) -> None:
        """A line is one."""
        held, self._held = self._held, None
        for number, _, reason in held or ():
            self._complain(number, reason)

    def end(self) -> None:
        """There are no more lines."""
        if self._held:
            raise WrongFile(self._name, len(self._held), self._held[0])


def hint(name: str, first: bytes) -> str:
    """What to do with a file whose first line that is not blank is `first`."""
    file = "" if name == "-" else f" {shlex.quote(name)}"
    first = first.removeprefix(b"\xef\xbb\xbf").strip()
    if first.startswith(_GZIP):
        return f"It is compressed: gzip -dc{file} | shopstream produce -"
    if first.startswith(b"["):
        return f"It is a JSON array: jq -c '.[]'{file} | shopstream produce -"
    if first.startswith(b"{") and not first.endswith(b"}"):
        return f"It is JSON over several lines: jq -c .{file} | shopstream produce -"
    return "Each line must be one event as a JSON object; see docs/contract.md."
