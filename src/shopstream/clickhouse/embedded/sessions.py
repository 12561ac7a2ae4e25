"""Sessions by login and id: what one request leaves for the next."""

import threading
import time

from .engine import Handle
from .errors import ServerError
from .logins import Login

DEFAULT_LIFETIME = 60
MAX_LIFETIME = 3600
WAIT_SECONDS = 1.0


class Session:
    """What outlives a request. `lock` is held by the one request that uses it.

    `database` is where the session is, `entered` where its handle is. `sets` are the SET statements
    of a read-only login. `in_force` are the handle's settings from the last request, `base` what
    to put back for each: the session's value, or None for the default.
    """

    def __init__(self, database: str) -> None:
        self.lock = threading.Lock()
        self.handle: Handle | None = None
        self.database = database
        self.entered = ""
        self.sets: list[str] = []
        self.in_force: dict[str, str] = {}
        self.base: dict[str, str | None] = {}
        self.lifetime = DEFAULT_LIFETIME
        self.used = time.monotonic()

    def close(self) -> None:
        handle, self.handle = self.handle, None
        if handle is not None:
            handle.close()


class Sessions:
    """All sessions. Safe between threads; those unused for their lifetime are closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str], Session] = {}

    def take(self, login: Login, session_id: str, must_exist: bool, lifetime: str) -> Session:
        """The session, locked for the caller; made if it may be.

        Args:
            lifetime: seconds in decimal, from one use to the next.

        Raises:
            ServerError: 372 not found, 373 in use by another request, 374 not a lifetime.
        """
        seconds = _seconds(lifetime)
        self.sweep()
        with self._lock:
            key = login.name, session_id
            session = self._sessions.get(key)
            if session is None:
                if must_exist:
                    raise ServerError(372, "SESSION_NOT_FOUND", "Session not found")
                session = self._sessions[key] = Session(login.database)
        if not session.lock.acquire(timeout=WAIT_SECONDS):
            raise ServerError(
                373, "SESSION_IS_LOCKED", f"Session {session_id} is locked by a concurrent client"
            )
        session.lifetime = seconds
        return session

    def give_back(self, session: Session) -> None:
        session.used = time.monotonic()
        session.lock.release()

    def drop(self, login: Login, session_id: str) -> None:
        """Closes a session that the caller holds."""
        with self._lock:
            session = self._sessions.pop((login.name, session_id), None)
        if session is not None:
            session.close()

    def sweep(self) -> None:
        """Closes what nobody used for its lifetime."""
        now = time.monotonic()
        with self._lock:
            for key, session in list(self._sessions.items()):
                if now - session.used > session.lifetime and session.lock.acquire(blocking=False):
                    del self._sessions[key]
                    session.close()


def _seconds(text: str) -> int:
    if not text:
        return DEFAULT_LIFETIME
    if not text.isdecimal():
        raise ServerError(374, "INVALID_SESSION_TIMEOUT", f"Invalid session timeout: '{text}'")
    return min(int(text), MAX_LIFETIME)
