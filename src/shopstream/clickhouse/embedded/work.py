"""One statement on its handle, from what the client sent to what it gets."""

import time
from functools import partial
from typing import Final

from . import external, guard, rights
from .answer import PLAIN_TEXT, Answer, Headers, common_headers, summary
from .call import Call
from .engine import READ_CLASS, Engine
from .errors import ServerError, message_of, syntax_error
from .formats import is_streamed
from .kill import kill_own
from .leases import Lease, NewHandle, SessionHandle
from .native import REVISED, revise
from .running import SHOWN_CHARACTERS, Registry, Running
from .scanner import has_several
from .sessions import Session, Sessions
from .statement import Statement, read_statement
from .stream import ResultStream, new_tag

DEFAULT_FORMAT: Final = "TabSeparated"
WHOLE_RESULT_LIMIT: Final = 1 << 30
"""Bytes of a result that is held in memory, unless the request sets another `max_result_bytes`."""
STREAMED_WORDS: Final = ("SELECT", "WITH", "FROM", "(")


class Work:
    """Blocks, on one thread at a time. `end` must be called once `run` has raised."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        sessions: Sessions,
        call: Call,
        running: Running,
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._sessions = sessions
        self._call = call
        self._running = running
        self._started = time.perf_counter_ns()
        self._session: Session | None = None
        self._lease: Lease | None = None
        self._tag = new_tag()
        self._over = False

    def run(self) -> Answer:
        """1 takes a handle with the request's settings, 2 judges the statement, 3 loads external
        tables, 4 shuts the handle for readers, 5 runs. Nothing can be set or loaded after step 4.

        Raises:
            ServerError, or what chDB raises.
        """
        self._running.begun = True
        self._running.check()
        statement = self._read()
        lease = self._lease = self._take()
        lease.prepare(self._call.params.get("database"), self._settings(statement))
        try:
            return self._answer(lease, statement)
        except Exception:
            lease.explain()
            raise

    def _answer(self, lease: Lease, statement: Statement) -> Answer:
        """Steps 2 to 5."""
        kind = self._judge(lease, statement)
        for form in external.formats(self._call.files, self._call.params):
            if self._call.login.readonly:
                guard.check_external(form)
        external.load(lease.handle, self._call.files, self._call.params)
        self._shut(lease, statement)
        self._running.check()
        answer = self._execute(lease, statement, kind)
        if isinstance(answer.body, bytes):
            lease.remember(statement.word, statement.sql)
            self.end(failed=False)
        return answer

    def end(self, failed: bool) -> None:
        """Gives the handle back and takes the statement off the list; once."""
        if self._over:
            return
        self._over = True
        try:
            self._release(failed)
        finally:
            self._registry.end(self._running)

    def _read(self) -> Statement:
        call = self._call
        statement = read_statement(call.params.get("query", ""), call.body, call.bound())
        self._running.text = statement.sql[:SHOWN_CHARACTERS]
        if statement.word == "KILL":
            report = kill_own(self._registry, self._running, statement.sql, call.bound())
            if report:
                return Statement("SELECT", report, statement.form)
        return statement

    def _take(self) -> Lease:
        call, query_id = self._call, self._running.query_id
        if role := call.params.get("role"):
            raise ServerError(511, "UNKNOWN_ROLE", f"There is no role '{role}'")
        if session_id := call.params.get("session_id"):
            check, lifetime = call.flag("session_check"), call.params.get("session_timeout", "")
            self._session = self._sessions.take(call.login, session_id, check, lifetime)
            if not call.login.readonly:
                return SessionHandle(self._engine, query_id, self._session)
        return NewHandle(self._engine, call.login, query_id, self._session)

    def _release(self, failed: bool) -> None:
        call, lease, session = self._call, self._lease, self._session
        try:
            if lease is not None:
                lease.release(failed)
                if lease.lasting and session is not None and session.handle is not None:
                    external.unload(lease.handle, call.files)
        finally:
            if session is not None:
                if call.flag("close_session"):
                    self._sessions.drop(call.login, call.params["session_id"])
                self._sessions.give_back(session)

    def _settings(self, statement: Statement) -> dict[str, str]:
        settings = rights.settings(self._call, statement.word, self._session is not None)
        if statement.word in STREAMED_WORDS and not self._streams(statement):
            settings.setdefault("max_result_bytes", str(WHOLE_RESULT_LIMIT))
        return settings

    def _judge(self, lease: Lease, statement: Statement) -> str:
        """The engine's class of the statement; refuses several at once, and writes of readers."""
        kind, count = "MUTATING", 1
        if statement.data is None:
            kind, count = lease.classify(statement.sql)
        if count > 1 or (count == 0 and has_several(statement.sql.encode())):
            raise syntax_error("Syntax error (Multi-statements are not allowed)")
        if kind == "CONTROL" and statement.word in STREAMED_WORDS:
            raise ServerError(1, "UNSUPPORTED_METHOD", "INTO OUTFILE is not allowed")
        if rights.level(self._call, statement.word) != rights.FREE:
            guard.check_class(self._call.login.name, statement.word, kind)
        return kind

    def _shut(self, lease: Lease, statement: Statement) -> None:
        call = self._call
        if call.login.readonly:
            guard.check_statement(
                lease.handle, statement, call.bound(), self._engine.table_functions
            )
        level = rights.level(call, statement.word)
        # on a session's handle it could not be undone; there the class alone decides
        if level != rights.FREE and not lease.lasting:
            lease.handle.set({"readonly": level})

    def _execute(self, lease: Lease, statement: Statement, kind: str) -> Answer:
        if statement.data is not None:
            return self._insert(lease, statement)
        reads = kind == READ_CLASS
        if reads and self._streams(statement):
            return self._stream(lease, statement, self._form(statement))
        return self._whole(lease, statement, self._form(statement), reads)

    def _form(self, statement: Statement) -> str:
        return statement.form or self._call.params.get("default_format") or DEFAULT_FORMAT

    def _streams(self, statement: Statement) -> bool:
        if self._call.flag("wait_end_of_query") or statement.word not in STREAMED_WORDS:
            return False
        return is_streamed(self._form(statement))

    def _insert(self, lease: Lease, statement: Statement) -> Answer:
        form, data = statement.form or DEFAULT_FORMAT, statement.data or ()
        rows, size = lease.handle.insert(statement.sql, form, data)
        return Answer(200, self._headers(None, written_rows=rows, written_bytes=size), b"")

    def _whole(self, lease: Lease, statement: Statement, form: str, reads: bool) -> Answer:
        result = lease.handle.query(statement.sql, form, self._call.bound())
        body = bytes(result.bytes() or b"")
        headers = self._headers(
            form if reads or body else None,
            read_rows=result.rows_read(),
            read_bytes=result.bytes_read(),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            result_rows=result.rows_read() if reads else 0,
            result_bytes=len(body),
        )
        return Answer(200, headers, revise(body) if self._revised(form) else body)

    def _stream(self, lease: Lease, statement: Statement, form: str) -> Answer:
        rows = lease.handle.rows(statement.sql, form, self._call.bound())
        describe = partial(message_of, version=self._engine.version)
        convert = revise if self._revised(form) else None
        stream = ResultStream(rows, form, convert, describe, self.end, self._tag)
        body = stream.start()
        count, size = stream.row_count, len(body or b"")
        headers = self._headers(form, read_rows=count, result_rows=count, result_bytes=size)
        return Answer(200, headers, stream if body is None else body)

    def _revised(self, form: str) -> bool:
        version = self._call.params.get("client_protocol_version", "")
        return form.lower() == "native" and version.isdecimal() and int(version) >= REVISED

    def _headers(self, form: str | None, **counts: int) -> Headers:
        engine, query_id = self._engine, self._running.query_id
        headers = common_headers(self._call.params, query_id, engine.timezone, self._tag)
        elapsed = time.perf_counter_ns() - self._started
        headers.append((b"x-clickhouse-summary", summary(elapsed, **counts)))
        kind = engine.content_types.get(form.lower(), PLAIN_TEXT) if form else PLAIN_TEXT
        headers.append((b"content-type", kind))
        if form:
            headers.append((b"x-clickhouse-format", form.encode()))
        return headers
