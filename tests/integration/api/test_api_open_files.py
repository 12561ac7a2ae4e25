"""More clients than files."""

import json
import re
import resource
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from support.load import versions
from support.system import System
from support.waiting import eventually

FILES = 400
SERVED = FILES - 320
SHOP = "files-shop"
REPORT = f"/reports/daily-sales?shopId={SHOP}"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("files")) as system:
        yield system.start(pipelines=0)


def limited(command: str, files: int) -> list[str]:
    return ["bash", "-c", f"ulimit -n {files}; exec {sys.executable} -m shopstream {command}"]


def head(port: int, path: str, token: str) -> tuple[socket.socket, bytes]:
    """A connection that is kept, and the head of its first answer."""
    connection = socket.create_connection(("127.0.0.1", port), 10)
    asked = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    connection.sendall(asked.encode())
    return connection, connection.recv(65536)


def test_connections_beyond_the_files_are_refused_and_reports_go_on(system: System) -> None:
    port = system.add_api(limited("api", FILES))
    token = system.token(SHOP)
    with ExitStack() as kept:
        answers = []
        for _ in range(FILES + 100):
            try:
                connection, answer = head(port, REPORT, token)
            except ConnectionError:
                answer = b""
            else:
                kept.enter_context(connection)
            answers.append(answer[9:12])
        assert answers[: SERVED - 5] == [b"200"] * (SERVED - 5)
        assert answers.count(b"200") <= SERVED
        assert set(answers) <= {b"200", b"503", b""}
        last, refused = head(port, REPORT, token)
        kept.enter_context(last)
        while piece := last.recv(65536):
            refused += piece
        if refused:
            assert b"\r\nretry-after: 2\r\n" in refused.lower()
            assert json.loads(refused.partition(b"\r\n\r\n")[2])["status"] == 503
    eventually(lambda: system.get(REPORT, [SHOP], port)[0] == 200)
    said = system.apis[port].log.read_text()
    assert "Traceback" not in said
    assert f"at most {SERVED} connections" in said


def test_a_worker_without_files_tries_again_and_goes_on(system: System) -> None:
    worker = system.add_pipeline(limited("pipeline", FILES))
    system.until_ready(worker)
    assert worker.process is not None
    pid = worker.process.pid
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (8, FILES))
    system.engine.kill()
    system.start_engine()
    system.produce(versions(1, 50))
    eventually(lambda: "Too many open files" in worker.log.read_text(), 20)
    time.sleep(3)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (FILES, FILES))
    system.settle(60)
    said = worker.log.read_text()
    assert worker.starts == 1
    assert "Traceback" not in said
    assert len(re.findall("ClickHouse.*Too many open files", said)) <= 4, said
