"""Polling with a deadline; nothing in the tests sleeps for a fixed time and hopes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE = 0.02


class TooLate(AssertionError):
    """What was waited for did not come in time."""


def eventually(
    ask: Callable[[], T],
    within: float = 20.0,
    what: str = "",
    *,
    passing: tuple[type[BaseException], ...] = (OSError,),
    pause: float = PAUSE,
) -> T:
    """Asks until the answer is true, and returns it; exceptions of `passing` count as not yet."""
    end = time.monotonic() + within
    last: object = None
    while True:
        try:
            answer = ask()
            if answer:
                return answer
            last = answer
        except passing as error:
            last = error
        if time.monotonic() > end:
            raise TooLate(f"{what or ask} not within {within:g} s; last: {last!r}")
        time.sleep(pause)
