"""What all requests share, and from a call to its answer."""

from .answer import PLAIN_TEXT, Answer, Headers, common_headers, encode_body
from .call import Call
from .engine import Engine
from .errors import code_of, message_of
from .running import Registry, Running
from .sessions import Sessions
from .work import Work


class Service:
    """The engine's statements for all logins. Safe between threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.registry = Registry(engine)
        self.sessions = Sessions()

    def answer(self, call: Call, running: Running) -> Answer:
        """Runs the call's statement to its end, or to the first mebibyte of a streamed result.

        Blocks; never raises. Whatever the outcome, `running` is ended when the statement is.
        """
        work = Work(self.engine, self.registry, self.sessions, call, running)
        try:
            answer = work.run()
        except Exception as error:
            work.end(failed=True)
            return self.refusal(error, call, running.query_id)
        return encode_body(answer, call)

    def refusal(self, error: BaseException, call: Call | None = None, query_id: str = "") -> Answer:
        """An error as the whole answer."""
        code = code_of(error)
        headers: Headers = [
            *common_headers(call.params if call else {}, query_id, self.engine.timezone),
            (b"x-clickhouse-exception-code", b"%d" % code),
            (b"content-type", PLAIN_TEXT),
        ]
        text = message_of(error, self.engine.version) + "\n"
        answer = Answer(self.engine.statuses.get(code, 500), headers, text.encode())
        return encode_body(answer, call) if call else answer
