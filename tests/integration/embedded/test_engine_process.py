import contextlib
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest
from engine_harness import EngineProcess, command, environment, free_port, poll


def refused(path: Path, port: int, *more: str, **variables: str) -> tuple[int, str]:
    """Exit code and standard error of an engine that does not start."""
    ran = subprocess.run(
        command(path, port, *more),
        env={**environment(), **variables},
        capture_output=True,
        text=True,
        timeout=20,
    )
    return ran.returncode, ran.stderr


def test_a_directory_in_use_is_named_in_one_sentence(engine: EngineProcess):
    assert refused(engine.path, free_port()) == (
        1,
        f"--path {engine.path} is in use: another engine has this data directory open.\n",
    )


def test_a_port_in_use_is_named_in_one_sentence(engine: EngineProcess, tmp_path: Path):
    assert refused(tmp_path, engine.port) == (
        1,
        f"--port {engine.port} on 127.0.0.1 is in use already.\n",
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "::", "example.org"])
def test_a_host_that_others_reach_is_refused(tmp_path: Path, host: str):
    assert refused(tmp_path, free_port(), "--host", host) == (
        1,
        f"--host {host} is refused: the embedded engine listens on loopback addresses only.\n",
    )


def test_logins_are_needed_and_never_repeated(tmp_path: Path):
    code, said = refused(tmp_path, free_port(), SHOPSTREAM_ENGINE_LOGINS="")
    assert (code, said) == (1, "No logins: set SHOPSTREAM_ENGINE_LOGINS or give --logins.\n")
    code, said = refused(tmp_path, free_port(), SHOPSTREAM_ENGINE_LOGINS='{"a": "hush"}')
    assert code == 1 and "hush" not in said


def test_logins_come_from_a_file(tmp_path: Path):
    file = tmp_path / "logins.json"
    file.write_text('{"app": {"password": "app-password"}}')
    engine = EngineProcess(tmp_path / "data", ("--logins", str(file))).start()
    assert engine.text("SELECT 1") == "1\n"
    assert engine.refusal("SELECT 1", login="other") == (403, "516")
    assert engine.stop() == 0


def test_a_body_over_the_limit_is_refused(tmp_path: Path):
    engine = EngineProcess(tmp_path / "data", ("--body-limit", "1000000")).start()
    with engine.client() as client:
        for body in (b"x" * 3_000_000, iter([b"x" * 1_500_000, b"x" * 1_500_000])):
            answer = client.post("/", params={"query": "INSERT INTO t FORMAT CSV"}, content=body)
            assert answer.status_code == 413
            assert answer.headers["X-ClickHouse-Exception-Code"] == "307"
            assert "larger than the limit of 1000000 bytes" in answer.text
        assert client.post("/", content="SELECT 1").text == "1\n"
    assert engine.stop() == 0


def test_sigterm_stops_within_three_seconds_while_statements_run(own_engine: EngineProcess):
    endless = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"
    waiting = threading.Thread(target=_ask, args=(own_engine, endless), daemon=True)
    waiting.start()
    poll(lambda: own_engine.running("endless"))
    flood = {"query": "SELECT number FROM numbers(1000000000000)"}
    with own_engine.client() as client, client.stream("POST", "/", params=flood) as stream:
        next(stream.iter_raw())
        began = time.monotonic()
        assert own_engine.stop() == 0
        assert time.monotonic() - began < 10
    waiting.join(5)
    assert not waiting.is_alive()


def _ask(engine: EngineProcess, sql: str) -> None:
    with contextlib.suppress(httpx.TransportError):
        engine.refusal(sql, query_id="endless")


def test_the_directory_serves_the_next_start(own_engine: EngineProcess):
    own_engine.text("CREATE DATABASE shop")
    own_engine.text("CREATE TABLE shop.t (a UInt64) ENGINE = MergeTree ORDER BY a")
    own_engine.text("INSERT INTO shop.t VALUES (1)")
    assert own_engine.stop() == 0
    own_engine.start()
    assert own_engine.text("SELECT a FROM shop.t") == "1\n"


def test_kill_9_loses_no_acknowledged_insert(own_engine: EngineProcess):
    own_engine.text("CREATE DATABASE shop")
    own_engine.text("CREATE TABLE shop.t (a UInt64) ENGINE = MergeTree ORDER BY a")
    acknowledged: list[int] = []
    writer = threading.Thread(target=_write, args=(own_engine, acknowledged))
    writer.start()
    poll(lambda: len(acknowledged) >= 100)
    assert own_engine.stop(signal.SIGKILL) == -signal.SIGKILL
    writer.join()
    own_engine.start()
    stored = {int(line) for line in own_engine.text("SELECT a FROM shop.t").split()}
    assert set(acknowledged) <= stored
    assert len(stored) - len(acknowledged) in (0, 1)


def _write(engine: EngineProcess, acknowledged: list[int]) -> None:
    try:
        with engine.client() as client:
            for number in range(1_000_000):
                sql = f"INSERT INTO shop.t VALUES ({number})"
                assert client.post("/", content=sql).status_code == 200
                acknowledged.append(number)
    except httpx.TransportError:
        return


def test_an_idle_connection_is_kept_for_longer_than_seven_seconds(engine: EngineProcess):
    with socket.create_connection(("127.0.0.1", engine.port)) as idle:
        assert _ping(idle).endswith(b"Ok.\n")
        idle.settimeout(7)
        with pytest.raises(TimeoutError):
            idle.recv(1)
        assert _ping(idle).endswith(b"Ok.\n")


def _ping(connection: socket.socket) -> bytes:
    connection.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = b""
    while piece := connection.recv(4096):
        answer += piece
        if answer.endswith(b"Ok.\n"):
            break
    return answer
