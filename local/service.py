"""A process that `up` looks after, as data."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

Probe = Callable[[], Awaitable[bool]]
Prepare = Callable[[], Awaitable[None]]


async def _at_once() -> bool:
    return True


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Service:
    """`starts_after`: services that must have been ready once before this one starts.

    `probe` answers whether the process is up; then `prepare` runs, and then it is ready. Both may
    raise: the process is then stopped and started again. So it is where it is not up after `starts_within` seconds
    in which all that it starts after are ready.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    probe: Probe = _at_once
    prepare: Prepare = _nothing
    starts_after: tuple[str, ...] = ()
    starts_within: float = 60.0


@dataclass(slots=True)
class Backoff:
    """How long to wait before a process is started again, in seconds: doubled up to `cap`.

    After a process that lasted for `calm` seconds the pauses begin again at `first`.
    """

    first: float = 0.2
    cap: float = 15.0
    calm: float = 30.0
    failures: int = 0

    def after(self, lasted: float) -> float:
        """The pause after a process that lasted for so many seconds."""
        if lasted >= self.calm:
            self.failures = 0
        self.failures += 1
        return min(self.cap, self.first * 2.0 ** min(self.failures - 1, 30))


def grace(remaining: float, still_to_stop: int, reserve: float = 0.5) -> float:
    """Seconds that the next process may take to stop, so that each later one has `reserve` left."""
    return max(0.1, remaining - reserve * (still_to_stop - 1))


def how_it_ended(code: int, last_words: str) -> str:
    """`exit code 3: last line` or `killed by SIGKILL: last line`; `code` as in `Popen.returncode`."""
    known = {number.value: number.name for number in signal.Signals}
    end = f"exit code {code}" if code >= 0 else f"killed by {known.get(-code, -code)}"
    return f"{end}: {last_words}" if last_words else end
