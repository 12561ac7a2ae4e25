"""The process of the engine: how it refuses to start, what it leaves on disk, how it ends."""

import os
import socket
import subprocess
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest
from asking import ENDLESS, Background, ask, headers, listeners, running

from support.engine import ClickHouseServer
from support.processes import free_port
from support.waiting import eventually

FLOOD = "SELECT number, sipHash64(number) FROM numbers(1000000000000)"


def refused(engine: ClickHouseServer, **variables: str) -> tuple[int, str]:
    """Exit code and standard error of an engine that does not start."""
    ran = subprocess.run(
        engine.child.command,
        env={**os.environ, **engine.child.env, **variables},
        capture_output=True,
        text=True,
        timeout=30,
    )
    return ran.returncode, ran.stderr


def using(engine: ClickHouseServer, flag: str, value: object) -> ClickHouseServer:
    """That engine with another value of a flag."""
    command = engine.child.command
    command[command.index(flag) + 1] = str(value)
    return engine


def test_a_data_directory_in_use_is_named_in_one_sentence(
    engine: ClickHouseServer, tmp_path: Path
) -> None:
    assert refused(using(ClickHouseServer(tmp_path), "--path", engine.path)) == (
        1,
        f"--path {engine.path} is in use: another engine has this data directory open.\n",
    )
    assert ask(engine, "app", "SELECT 1").text == "1\n"


@pytest.mark.parametrize("flag", ["--port", "--native-port"])
def test_a_port_in_use_is_named_in_one_sentence(
    engine: ClickHouseServer, tmp_path: Path, flag: str
) -> None:
    port = engine.port if flag == "--port" else engine.native_port
    assert refused(using(ClickHouseServer(tmp_path), flag, port)) == (
        1,
        f"{flag} {port} on 127.0.0.1 cannot be used (Address already in use).\n",
    )


def test_a_path_that_cannot_be_a_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "below"
    assert refused(using(ClickHouseServer(tmp_path), "--path", path)) == (
        1,
        f"--path {path} cannot be used (Not a directory).\n",
    )


@pytest.mark.parametrize(
    ("logins", "sentence"),
    [
        ("{}", "At least one login is needed.\n"),
        ("hush", "The logins must be a JSON object of objects with sha256, reads, shop.\n"),
        (
            '{"a": {"password": "hush"}}',
            "The logins must be a JSON object of objects with sha256, reads, shop.\n",
        ),
        (
            '{"a": {"sha256": "hush"}}',
            "Login 'a': sha256 must be 64 hexadecimal digits.\n",
        ),
    ],
)
def test_bad_logins_are_refused_without_repeating_them(
    tmp_path: Path, logins: str, sentence: str
) -> None:
    assert refused(ClickHouseServer(tmp_path), SHOPSTREAM_ENGINE_LOGINS=logins) == (1, sentence)


def test_the_configuration_is_private_and_has_no_password(engine: ClickHouseServer) -> None:
    home = engine.path / "server"
    assert home.stat().st_mode & 0o777 == 0o700
    for name in ("config.xml", "users.xml"):
        assert (home / name).stat().st_mode & 0o777 == 0o600
        written = (home / name).read_text()
        assert [one for one in engine.passwords.values() if one in written] == []
    assert (home / "users.xml").read_text().count("<password_sha256_hex>") == 3
    assert sorted(file.name for file in home.iterdir()) == ["config.xml", "users.xml"]


def test_the_environment_and_the_command_line_have_no_password(engine: ClickHouseServer) -> None:
    assert engine.child.process is not None
    process = Path(f"/proc/{engine.child.process.pid}")
    shown = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
    assert [one for one in engine.passwords.values() if one.encode() in shown] == []


def test_it_listens_on_loopback_only(engine: ClickHouseServer) -> None:
    assert engine.child.process is not None
    loopback = "0100007F"
    assert listeners(engine.child.process.pid) == {
        engine.port: loopback,
        engine.native_port: loopback,
    }
    for port in (engine.port, engine.native_port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), 5).close()


def test_without_a_right_password_nothing_is_answered(engine: ClickHouseServer) -> None:
    url = f"/?user=app&password={engine.passwords['bi']}"
    connection = HTTPConnection("127.0.0.1", engine.port, timeout=10)
    connection.request("POST", url, b"SELECT 1")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("X-ClickHouse-Exception-Code")) == (403, "516")
    connection.close()


@pytest.mark.parametrize("path", ["/ping", "/replicas_status"])
def test_health_needs_no_login(engine: ClickHouseServer, path: str) -> None:
    connection = HTTPConnection("127.0.0.1", engine.port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"Ok.\n")
    connection.close()


def test_a_statement_is_seen_and_killed_by_its_id(engine: ClickHouseServer) -> None:
    endless = Background(engine, ENDLESS, "seen-1")
    assert running(engine, "seen-1") == ["app"]
    assert ask(engine, "app", "SELECT 1", query_id="seen-1").code == 216
    killed = ask(engine, "app", "KILL QUERY WHERE query_id = 'seen-1' SYNC")
    assert killed.text.split("\t")[:3] == ["finished", "seen-1", "app"]
    answer = endless.join()
    assert answer is not None and answer.code == 394
    assert ask(engine, "app", "SELECT 1", query_id="seen-1").text == "1\n"


def test_warnings_and_errors_go_to_the_log_file(engine: ClickHouseServer) -> None:
    assert ask(engine, "app", "SELECT * FROM shop.never_there").code == 60
    eventually(lambda: "shop.never_there" in engine.log.read_text(), 5, "the error in the log")
    assert "<Error>" in engine.log.read_text()
    assert [
        level
        for level in ("<Trace>", "<Debug>", "<Information>")
        if level in engine.log.read_text()
    ] == []


def test_sigterm_ends_it_within_five_seconds_while_statements_run(
    own_engine: ClickHouseServer,
) -> None:
    endless = Background(own_engine, ENDLESS, "endless")
    stream = HTTPConnection("127.0.0.1", own_engine.port, timeout=20)
    stream.request("POST", "/?query_id=flood", FLOOD.encode(), headers(own_engine, "app"))
    assert len(stream.getresponse().read(1000)) == 1000
    began = time.monotonic()
    assert own_engine.child.stop() == 0
    assert time.monotonic() - began < 5
    endless.join()
    stream.close()


def test_a_directory_serves_the_next_start(own_engine: ClickHouseServer) -> None:
    for statement in (
        "CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a",
        "INSERT INTO kept VALUES (1)",
    ):
        assert ask(own_engine, "app", statement).status == 200
    assert own_engine.child.stop() == 0
    own_engine.start()
    assert ask(own_engine, "app", "SELECT a FROM kept").text == "1\n"


def test_kill_9_loses_no_acknowledged_insert(own_engine: ClickHouseServer) -> None:
    ask(own_engine, "app", "CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a")
    acknowledged: list[int] = []
    writer = threading.Thread(target=_write, args=(own_engine, acknowledged))
    writer.start()
    eventually(lambda: len(acknowledged) >= 100, what="100 inserts")
    own_engine.child.kill()
    writer.join(20)
    own_engine.start()
    stored = {int(line) for line in ask(own_engine, "app", "SELECT a FROM kept").text.split()}
    assert set(acknowledged) <= stored
    assert len(stored) - len(acknowledged) in (0, 1)


def _write(engine: ClickHouseServer, acknowledged: list[int]) -> None:
    try:
        for number in range(1_000_000):
            assert ask(engine, "app", f"INSERT INTO kept VALUES ({number})").status == 200
            acknowledged.append(number)
    except OSError:
        return


def test_a_backup_is_restored(own_engine: ClickHouseServer) -> None:
    for statement in (
        "CREATE DATABASE sold",
        "CREATE TABLE sold.t (a UInt64) ENGINE = MergeTree ORDER BY a",
        "INSERT INTO sold.t VALUES (1)",
        "BACKUP DATABASE sold TO File('today')",
        "DROP DATABASE sold SYNC",
        "RESTORE DATABASE sold FROM File('today')",
    ):
        assert ask(own_engine, "app", statement).status == 200
    assert (own_engine.path / "backups" / "today").exists()
    assert ask(own_engine, "app", "SELECT a FROM sold.t").text == "1\n"
    assert ask(own_engine, "app", "BACKUP DATABASE sold TO File('/tmp/elsewhere')").code == 36


def test_two_engines_run_side_by_side(
    engine: ClickHouseServer, own_engine: ClickHouseServer
) -> None:
    assert free_port() not in (engine.port, own_engine.port)
    assert ask(own_engine, "app", "EXISTS DATABASE shop").text == "0\n"
    assert ask(engine, "app", "EXISTS DATABASE shop").text == "1\n"


def test_its_time_zone_is_utc_wherever_the_machine_is(tmp_path: Path) -> None:
    engine = ClickHouseServer(tmp_path)
    engine.child.env["TZ"] = "Asia/Tokyo"
    engine.start()
    asked = "SELECT timezone(), toString(toDateTime(1750000000))"
    assert ask(engine, "app", asked).text == "UTC\t2025-06-15 15:06:40\n"
    engine.child.kill()
