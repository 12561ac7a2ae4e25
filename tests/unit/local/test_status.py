"""`shopstream status` from the answers of the processes, and where no `up` runs."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from shopstream.cli.environment import no_proxy_to_this_machine
from shopstream.cli.main import app
from shopstream.cli.status import Status, _asked, bare, http_get, look, measured

TOLD = {
    "api": "http://127.0.0.1:4000",
    "kafka": "127.0.0.1:4092",
    "clickhouse": "http://shopstream:hush@127.0.0.1:4123",
    "clickhouse_native_port": 4900,
    "bi": "http://bi:hush@127.0.0.1:4123",
    "pid": 7,
    "pipeline": "http://127.0.0.1:4464",
    "kafka_version": "4.4.0",
    "ready": True,
}
METRICS = """# TYPE shopstream_as_of_age_seconds gauge
shopstream_as_of_age_seconds 0.62
shopstream_consumer_lag_records{partition="0",topic="shop.orders"} 1200.0
shopstream_consumer_lag_records{partition="1",topic="shop.orders"} 34.0
shopstream_consumer_lag_records{partition="0",topic="shop.traffic"} 0.0
"""
ANSWERS = {
    "http://127.0.0.1:4000/ready": (200, '{"status":"ready","clickhouse":"ok","kafka":"ok"}'),
    "http://127.0.0.1:4464/ready": (200, '{"status":"ready"}'),
    "http://127.0.0.1:4464/metrics": (200, METRICS),
    "http://shopstream:hush@127.0.0.1:4123/?query=SELECT%20version()": (200, "26.9.1\n"),
}


def status(told: dict[str, Any] = TOLD, **answers: tuple[int, str]) -> Status:
    def fetch(address: str) -> tuple[int, str]:
        for part, answer in answers.items():
            if part in address.replace("4464", "worker").replace("4000", "api"):
                if answer[0] == 0:
                    raise OSError(answer[1])
                return answer
        return ANSWERS[address]

    return look(told, Path("/srv/data"), "0.1.0", fetch)


def test_a_running_system_is_a_table() -> None:
    assert status().text().splitlines() == [
        "shopstream is ready: process 7, data in /srv/data",
        "",
        "            address                             version  state",
        "API, page   http://127.0.0.1:4000/              0.1.0    ok",
        "Kafka       127.0.0.1:4092                      4.4.0    ok",
        "ClickHouse  http://127.0.0.1:4123, native 4900  26.9.1   ok",
        "pipeline    http://127.0.0.1:4464               0.1.0    ok",
        "",
        "freshness  the reports include everything up to 0.6 s ago",
        "lag        1,234 records (shop.orders 1,234)",
    ]


def test_a_running_system_is_a_document_without_a_password() -> None:
    document = status().document()
    assert "hush" not in json.dumps(document)
    assert document == {
        "ready": True,
        "dataDir": "/srv/data",
        "pid": 7,
        "addresses": {
            "api": "http://127.0.0.1:4000",
            "kafka": "127.0.0.1:4092",
            "clickhouse": "http://127.0.0.1:4123",
            "bi": "http://127.0.0.1:4123",
        },
        "clickhouseNativePort": 4900,
        "states": dict.fromkeys(("api", "kafka", "clickhouse", "pipeline"), "ok"),
        "versions": {
            "api": "0.1.0",
            "pipeline": "0.1.0",
            "kafka": "4.4.0",
            "clickhouse": "26.9.1",
        },
        "asOfAgeSeconds": 0.62,
        "lag": {"shop.orders": 1234, "shop.traffic": 0},
    }


def test_what_is_down_is_said() -> None:
    found = status(worker=(0, "Connection refused"))
    assert (found.ready, found.age) == (False, None)
    assert found.states["pipeline"] == "does not answer (Connection refused)"
    assert "freshness  not known: no worker has reported it" in found.text()
    found = status(api=(0, "Connection refused"))
    assert found.states["kafka"] == "not known: the API does not answer"
    why = '{"status":"unready","assignment":"no partitions are assigned yet"}'
    found = status(worker=(503, why))
    assert found.states["pipeline"] == "assignment: no partitions are assigned yet"


def test_an_up_that_has_not_been_ready_is_not_ready() -> None:
    found = status({**TOLD, "ready": False})
    assert not found.ready
    assert found.text().startswith("shopstream is not ready: ")


def test_metrics_of_another_program_say_nothing() -> None:
    assert measured("<html>") == (None, {})


def test_a_login_is_left_out_of_an_address() -> None:
    assert bare("http://u:p@127.0.0.1:1/x") == "http://127.0.0.1:1/x"
    assert bare("127.0.0.1:9092") == "127.0.0.1:9092"


def run(*arguments: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SHOPSTREAM_DATA_DIR", str(directory))
    return CliRunner().invoke(app, list(arguments))


def test_where_no_up_runs_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("status", directory=tmp_path, monkeypatch=monkeypatch)
    assert done.exit_code == 1
    assert done.stderr == (
        f"No running `shopstream up` was found in {tmp_path}: start one (scripts/run), or set"
        " SHOPSTREAM_DATA_DIR to the data directory of the one that runs.\n"
    )


def test_an_up_that_was_killed_runs_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / "up.json").write_text(json.dumps({**TOLD, "pid": gone.pid}))
    done = run("status", directory=tmp_path, monkeypatch=monkeypatch)
    assert done.stderr.startswith(
        f"The `shopstream up` of {tmp_path}, process {gone.pid}, runs no more: start one"
    )


def test_one_address_is_alone_on_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "up.json").write_text(json.dumps({**TOLD, "pid": os.getpid(), "bi": None}))
    for name in ("kafka", "clickhouse"):
        done = run("status", "--address", name, directory=tmp_path, monkeypatch=monkeypatch)
        assert (done.exit_code, done.stdout) == (0, f"{TOLD[name]}\n")
    done = run("status", "--address", "bi", directory=tmp_path, monkeypatch=monkeypatch)
    assert (done.exit_code, done.stderr) == (1, "--address bi: this `up` has none.\n")
    done = run("status", "--address", "x", directory=tmp_path, monkeypatch=monkeypatch)
    assert done.exit_code == 2


def test_a_command_that_finds_no_up_says_so_with_what_is_down(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")
    }
    code = (
        "import shopstream.settings as s;"
        "s.Settings.model_fields['kafka_bootstrap'].default = '127.0.0.1:1';"
        "s.Settings.model_rebuild(force=True);"
        "import sys; sys.argv[1:] = ['produce', '-'];"
        "from shopstream.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        input="",
        capture_output=True,
        text=True,
    )
    (line,) = done.stderr.splitlines()
    assert line.startswith("Kafka does not answer at 127.0.0.1:1 (")
    assert f" No running `shopstream up` was found in {tmp_path}/.shopstream: " in line


def test_another_program_at_an_address_is_said_not_to_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-x\r\n")

        greeting = threading.Thread(target=greet)
        greeting.start()
        code, why = _asked(http_get, f"http://127.0.0.1:{port}/ready")
        greeting.join()
    assert (code, why) == (0, "does not answer (SSH-2.0-x)")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"NO_PROXY": "a.example"}, "a.example,127.0.0.1,localhost"),
        ({"no_proxy": "127.0.0.1,b", "NO_PROXY": "c"}, "127.0.0.1,b,localhost"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_a_proxy_is_for_other_machines(
    before: dict[str, str], after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    no_proxy_to_this_machine()
    assert os.environ["no_proxy"] == after
