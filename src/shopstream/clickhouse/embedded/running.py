"""Which statements run, under the ids their clients gave them, and how they are stopped.

The engine makes ids of its own, so the client's id travels in the setting `log_comment`.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .engine import Engine, quote
from .errors import ServerError

KILL_AGAIN_SECONDS = 0.05
KILL_TRIES = 100
SHOWN_CHARACTERS = 1000
_KILL = "KILL QUERY WHERE Settings['log_comment'] IN ({}) ASYNC"


@dataclass(eq=False, slots=True)
class Running:
    """One statement. `text` is its beginning; `killed` is asked before each step of its work."""

    query_id: str
    login: str
    text: str = ""
    killed: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raises:
        ServerError: 394 once it was killed.
        """
        if self.killed.is_set():
            raise ServerError(394, "QUERY_WAS_CANCELLED", "Query was cancelled")


class Registry:
    """The running statements of all logins, by id. Safe between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._running: dict[str, Running] = {}

    def begin(self, query_id: str, login: str) -> Running:
        """Raises:
        ServerError: 216, one with this id runs already.
        """
        running = Running(query_id, login)
        with self._lock:
            if self._running.setdefault(query_id, running) is not running:
                raise ServerError(
                    216,
                    "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
                    f"Query with id = {query_id} is already running",
                )
        return running

    def end(self, running: Running) -> None:
        with self._lock:
            if self._running.get(running.query_id) is running:
                del self._running[running.query_id]
        running.ended.set()

    def find(self, wanted: Callable[[Running], bool]) -> list[Running]:
        with self._lock:
            everyone = list(self._running.values())
        return [running for running in everyone if wanted(running)]

    def kill(self, victims: Sequence[Running], tries: int = KILL_TRIES) -> None:
        """Stops statements; blocks until all have ended, or for `tries` attempts of 0.05 s.

        It is tried again because the engine may not have begun a statement yet.
        """
        for victim in victims:
            victim.killed.set()
        handle = self._engine.connect()
        try:
            for again in range(tries):
                if again:
                    time.sleep(KILL_AGAIN_SECONDS)
                left = [quote(one.query_id) for one in victims if not one.ended.is_set()]
                if not left:
                    return
                handle.query(_KILL.format(", ".join(left)))
        finally:
            handle.close()
