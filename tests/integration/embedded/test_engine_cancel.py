import http.client
import threading
import time
from base64 import b64encode

import pytest
from engine_harness import LOGINS, SLOW, EngineProcess, poll

ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"
FLOOD = "SELECT number, sipHash64(number) FROM numbers(1000000000000)"


class Background:
    """A statement on a thread of its own; `code` is its error's number, once it has ended."""

    def __init__(self, engine: EngineProcess, sql: str, query_id: str, login: str = "app", **more):
        self.code = ""
        self._ask = lambda: engine.refusal(sql, login=login, query_id=query_id, **more)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        poll(lambda: engine.running(query_id))

    def _run(self) -> None:
        self.code = self._ask()[1]

    def join(self) -> str:
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.code


def hang_up(engine: EngineProcess, sql: str, query_id: str, read: int = 0) -> None:
    """Sends a statement, waits until it runs (or for some bytes), and drops the connection."""
    connection = http.client.HTTPConnection("127.0.0.1", engine.port, timeout=30)
    basic = b64encode(f"app:{LOGINS['app']['password']}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    connection.request("POST", f"/?query_id={query_id}", sql, headers)
    if read:
        answer = connection.getresponse()
        assert len(answer.read(read)) == read
        answer.close()
    else:
        poll(lambda: engine.running(query_id))
    connection.close()


@pytest.mark.parametrize(
    "sql", [ENDLESS, "INSERT INTO FUNCTION null('a UInt64') SELECT number FROM numbers(1e14)"]
)
def test_a_hang_up_stops_a_statement_that_has_not_answered(engine: EngineProcess, sql: str):
    hang_up(engine, sql, "gone-1")
    poll(lambda: engine.running("gone-1") == 0, 3)


def test_a_hang_up_stops_a_stream(engine: EngineProcess):
    hang_up(engine, FLOOD, "gone-2", read=100_000)
    poll(lambda: engine.running("gone-2") == 0, 3)


def test_a_hang_up_in_a_session_frees_it(engine: EngineProcess):
    hang_up(engine, FLOOD, "gone-3&session_id=gone", read=100_000)
    poll(lambda: engine.running("gone-3") == 0, 3)
    assert engine.text("SELECT 1", session_id="gone") == "1\n"


@pytest.mark.parametrize(
    "condition",
    [
        "query_id = 'kill-1'",
        "query_id LIKE 'kill-%' ASYNC",
        "query_id IN ('kill-1', 'x') SYNC",
        "(query_id = 'kill-1') FORMAT JSONEachRow",
        "query_id = {id:String}",
        "user = 'app' AND query_id = 'kill-1'",
    ],
)
def test_kill_stops_ones_own_statements_by_client_id(engine: EngineProcess, condition: str):
    endless = Background(engine, ENDLESS, "kill-1")
    answer = engine.text(f"KILL QUERY WHERE {condition}", param_id="kill-1")
    assert "kill-1" in answer
    assert endless.join() == "394"


def test_kill_reports_what_it_met(engine: EngineProcess):
    endless = Background(engine, ENDLESS, "kill-2")
    tested = engine.text("KILL QUERY WHERE query_id = 'kill-2' TEST")
    assert tested == f"waiting\tkill-2\tapp\t{ENDLESS}\n"
    killed = engine.text("KILL QUERY WHERE query_id = 'kill-2' SYNC")
    assert killed == f"finished\tkill-2\tapp\t{ENDLESS}\n"
    assert endless.join() == "394"
    assert engine.text("KILL QUERY WHERE query_id = 'kill-2'") == ""


def test_kill_leaves_the_statements_of_other_logins(engine: EngineProcess):
    endless = Background(engine, ENDLESS, "kill-3")
    assert engine.text("KILL QUERY WHERE query_id = 'kill-3'", login="other") == ""
    assert engine.running("kill-3") == 1
    engine.text("KILL QUERY WHERE query_id = 'kill-3'")
    assert endless.join() == "394"


def test_kill_by_another_condition_is_refused(engine: EngineProcess):
    assert engine.refusal("KILL QUERY WHERE elapsed > 1") == (501, "48")
    assert engine.refusal("KILL QUERY WHERE 1") == (501, "48")


def test_a_running_id_cannot_be_used_again(engine: EngineProcess):
    endless = Background(engine, ENDLESS, "twice-1")
    assert engine.refusal("SELECT 1", query_id="twice-1")[1] == "216"
    engine.text("KILL QUERY WHERE query_id = 'twice-1'")
    assert endless.join() == "394"
    assert engine.text("SELECT 1", query_id="twice-1") == "1\n"


def test_running_statements_are_found_by_client_id(engine: EngineProcess):
    found = (
        "SELECT count() FROM system.processes"
        " WHERE query_id LIKE {prefix:String} OR Settings['log_comment'] LIKE {prefix:String}"
    )
    endless = [Background(engine, ENDLESS, f"seen-{n}") for n in (1, 2)]
    assert engine.text(found, param_prefix="seen-%") == "2\n"
    engine.text("KILL QUERY WHERE query_id LIKE 'seen-%' SYNC")
    assert [one.join() for one in endless] == ["394", "394"]
    assert engine.text(found, param_prefix="seen-%") == "0\n"


def test_health_and_kill_do_not_wait_behind_statements(engine: EngineProcess):
    busy = [Background(engine, SLOW, f"busy-{n}") for n in range(3)]
    rest = [
        threading.Thread(
            target=engine.refusal,
            args=(SLOW,),
            kwargs={"query_id": f"busy-{n}"},
        )
        for n in range(3, 80)
    ]
    for thread in rest:
        thread.start()
    poll(lambda: engine.text("KILL QUERY WHERE query_id = 'busy-63' TEST") != "")
    with engine.client() as client:
        began = time.monotonic()
        assert client.get("/ping").text == "Ok.\n"
        assert time.monotonic() - began < 5

    def killed() -> bool:
        # a statement that comes after a kill is not hit by it
        engine.text("KILL QUERY WHERE query_id LIKE 'busy-%'")
        return not any(thread.is_alive() for thread in rest)

    poll(killed)
    assert [one.join() for one in busy] == ["394", "394", "394"]


def test_read_only_logins_do_not_keep_the_others_out(engine: EngineProcess):
    asked = [
        threading.Thread(
            target=engine.refusal,
            args=("SELECT sum(sleepEachRow(0.25)) FROM numbers(400)",),
            kwargs={"query_id": f"slow-{n}", "login": "bi", "max_block_size": "1"},
        )
        for n in range(80)
    ]
    for thread in asked:
        thread.start()
    poll(lambda: engine.text("KILL QUERY WHERE query_id = 'slow-63' TEST", login="bi") != "")
    began = time.monotonic()
    assert engine.text("SELECT 1") == "1\n"
    assert time.monotonic() - began < 5

    def killed() -> bool:
        engine.text("KILL QUERY WHERE query_id LIKE 'slow-%'", login="bi")
        return not any(thread.is_alive() for thread in asked)

    poll(killed)
