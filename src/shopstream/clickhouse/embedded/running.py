"""Which statements run, under the ids their clients gave them, and how they are stopped.

The engine makes ids of its own, so the client's id travels in the setting `log_comment`.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from .engine import Engine, quote
from .errors import ServerError

SHOWN_CHARACTERS: Final = 1000
_PAUSES: Final = (0.02, 0.05, 0.1, 0.25, 0.5)
_KILL: Final = "KILL QUERY WHERE Settings['log_comment'] IN ({}) ASYNC"


@dataclass(eq=False, slots=True)
class Running:
    """One statement. `text` is its beginning; `begun` once it has a thread; `killed` is asked before
    each step of its work.
    """

    query_id: str
    login: str
    text: str = ""
    begun: bool = False
    killed: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raises:
        ServerError: 394 once it was killed.
        """
        if self.killed.is_set():
            raise ServerError(394, "QUERY_WAS_CANCELLED", "Query was cancelled")


class Registry:
    """The running statements of all logins, by id. Safe between threads.

    One thread kills, all victims in one statement: KILL looks through every running statement, and
    many clients may hang up at once.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._running: dict[str, Running] = {}
        self._doomed: set[Running] = set()
        self._being_killed: list[str] = []
        self._called = threading.Condition(self._lock)
        threading.Thread(target=self._reap, name="reaper", daemon=True).start()

    def begin(self, query_id: str, login: str) -> Running:
        """Raises:
        ServerError: 216, one with this id runs already.
        """
        running = Running(query_id, login)
        with self._lock:
            # a KILL under way would hit a new statement under the old one's id
            held = query_id in self._being_killed
            if held or self._running.setdefault(query_id, running) is not running:
                raise ServerError(
                    216,
                    "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
                    f"Query with id = {query_id} is already running",
                )
        return running

    def end(self, running: Running) -> None:
        """The statement runs no more; its id is free."""
        with self._lock:
            if self._running.get(running.query_id) is running:
                del self._running[running.query_id]
            self._doomed.discard(running)
            running.ended.set()

    def find(self, wanted: Callable[[Running], bool]) -> list[Running]:
        """Those running now that `wanted` accepts."""
        with self._lock:
            everyone = list(self._running.values())
        return [running for running in everyone if wanted(running)]

    def kill(self, victims: Iterable[Running]) -> None:
        """Has statements stopped; returns at once, they end soon."""
        with self._called:
            for victim in victims:
                victim.killed.set()
                if not victim.ended.is_set():
                    self._doomed.add(victim)
            self._called.notify()

    def _reap(self) -> None:
        """Again and again until they have ended: the engine may not have begun one yet."""
        handle = self._engine.connect()
        tries = 0
        while True:
            ids = self._next_victims()
            try:
                if ids:
                    handle.query(_KILL.format(", ".join(map(quote, ids))))
            except Exception:
                handle.close()
                handle = self._engine.connect()
            with self._lock:
                self._being_killed = []
            tries = tries + 1 if ids else 0
            time.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])

    def _next_victims(self) -> list[str]:
        """Waits for some; one that has no thread yet will see by itself that it was killed."""
        with self._called:
            self._called.wait_for(lambda: self._doomed)
            self._being_killed = [one.query_id for one in self._doomed if one.begun]
            return self._being_killed
