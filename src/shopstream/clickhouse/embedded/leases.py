"""The handle that one request runs on.

A request without a session, or of a read-only login, has a new handle: nothing can leak. A session
of a full login keeps its handle, with temporary tables, SET and USE; settings of one request are
put back before the next that does not send them.
"""

from collections.abc import Mapping
from contextlib import ExitStack, closing
from typing import Final, Protocol

from .engine import Engine, Handle, quote
from .errors import ServerError, code_of
from .logins import Login
from .sessions import Session

FIRST_DATABASE: Final = "default"
UNKNOWN_DATABASE: Final = 81


class Lease(Protocol):
    """A handle from `prepare` to `release`; `lasting` if it will serve other requests after this one."""

    handle: Handle
    lasting: bool

    def prepare(self, database: str | None, settings: Mapping[str, str]) -> None:
        """Goes to the database (81 if it does not exist; without one to the session's or login's,
        which may not exist yet) and sets the settings of this request.
        """
        ...

    def classify(self, sql: str) -> tuple[str, int]:
        """As `Handle.classify`."""
        ...

    def explain(self) -> None:
        """Called after a failure: raises 81 if the database that `prepare` got does not exist."""
        ...

    def remember(self, word: str, sql: str) -> None:
        """Keeps the effect of SET or USE for the session's next request."""
        ...

    def release(self, failed: bool) -> None:
        """No one uses the handle for this request any more."""
        ...


class NewHandle:
    """For one request; in a read-only login's session, prepared as earlier statements asked."""

    handle: Handle
    lasting = False

    def __init__(
        self, engine: Engine, login: Login, query_id: str, session: Session | None = None
    ) -> None:
        self._engine = engine
        self._query_id = query_id
        self._start = session.database if session is not None else login.database
        self._session = session
        self._plain = session is None and not login.readonly
        self._unseen = ""
        self._open = ExitStack()

    def prepare(self, database: str | None, settings: Mapping[str, str]) -> None:
        if self._plain and (database or self._start == FIRST_DATABASE):
            self._unseen = database or ""
            handle = self._engine.connect_prepared(self._query_id, self._unseen, settings)
            if handle is not None:
                self._hold(handle)
                return
        self._plain, self._unseen = False, ""
        self._hold(self._engine.connect(self._query_id))
        for statement in self._session.sets if self._session is not None else ():
            self.handle.query(statement)
        if database:
            self.handle.use(database)
        elif self._start != FIRST_DATABASE:
            _enter_if_exists(self.handle, self._start)
        self.handle.set(settings)

    def classify(self, sql: str) -> tuple[str, int]:
        if self._plain:
            return self._engine.classify(self.handle, sql)
        return self.handle.classify(sql)

    def explain(self) -> None:
        if self._unseen:
            with closing(self._engine.connect()) as handle:
                handle.use(self._unseen)

    def remember(self, word: str, sql: str) -> None:
        if self._session is None:
            return
        if word == "SET":
            self._session.sets.append(sql)
        elif word == "USE":
            self._session.database = self.handle.text("SELECT currentDatabase()")

    def release(self, failed: bool) -> None:
        self._open.close()

    def _hold(self, handle: Handle) -> None:
        self.handle = self._open.enter_context(closing(handle))


class SessionHandle:
    """The session's own handle."""

    lasting = True

    def __init__(self, engine: Engine, query_id: str, session: Session) -> None:
        if session.handle is None:
            session.handle = engine.connect()
            session.entered = FIRST_DATABASE
        self.handle = session.handle
        self._session = session
        self._query_id = query_id

    def prepare(self, database: str | None, settings: Mapping[str, str]) -> None:
        self._enter(database)
        self._apply({**settings, "log_comment": self._query_id})

    def classify(self, sql: str) -> tuple[str, int]:
        return self.handle.classify(sql)

    def explain(self) -> None:
        """`prepare` has raised already."""

    def remember(self, word: str, sql: str) -> None:
        session = self._session
        if word == "SET":
            session.base.clear()
        elif word == "USE":
            session.database = session.entered = self.handle.text("SELECT currentDatabase()")

    def release(self, failed: bool) -> None:
        """After a failure, what it left on the handle is taken off."""
        if not failed:
            return
        try:
            self.handle.drain()
        except Exception:
            self._session.close()

    def _enter(self, database: str | None) -> None:
        session = self._session
        wanted = database or session.database
        if wanted == session.entered:
            return
        if database:
            self.handle.use(database)
            session.entered = database
        elif _enter_if_exists(self.handle, wanted):
            session.entered = wanted

    def _apply(self, wanted: Mapping[str, str]) -> None:
        session = self._session
        back = [name for name in session.in_force if name not in wanted]
        new = {k: v for k, v in wanted.items() if session.in_force.get(k) != v}
        self._look_up([name for name in (*back, *new) if name not in session.base])
        changes: dict[str, str | None] = {name: session.base[name] for name in back}
        # if SET fails half way, all of them are put back by the next request
        session.in_force.update(new)
        self.handle.set({**changes, **new})
        session.in_force = dict(wanted)

    def _look_up(self, names: list[str]) -> None:
        if not names:
            return
        wanted = ", ".join(quote(name) for name in names)
        found = self.handle.text(
            f"SELECT name, changed, value FROM system.settings WHERE name IN ({wanted})"
        )
        values = {}
        for line in filter(None, found.split("\n")):
            name, changed, value = line.split("\t", 2)
            values[name] = value if changed == "1" else None
        if unknown := set(names) - set(values):
            raise ServerError(115, "UNKNOWN_SETTING", f"Unknown setting '{unknown.pop()}'")
        self._session.base.update(values)


def _enter_if_exists(handle: Handle, database: str) -> bool:
    try:
        handle.use(database)
    except Exception as error:
        if code_of(error) != UNKNOWN_DATABASE:
            raise
        handle.drain()
        return False
    return True
