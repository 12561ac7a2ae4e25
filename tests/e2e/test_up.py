"""`shopstream up` as a user runs it: real processes, real signals."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from support.processes import free_port
from support.up import (
    CHILDREN,
    PATIENCE,
    STOPPED_WITHIN,
    Up,
    command,
    environment,
    eventually,
    get,
    none_alive,
    shopstream,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def refused(arguments: list[str]) -> str:
    """The one sentence with which a start is refused."""
    done = subprocess.run(arguments, env=environment(), capture_output=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1
    return done.stderr.decode().strip()


def test_up_tells_where_everything_is(up: Up) -> None:
    port, kafka, clickhouse = up.ports.values()
    told = up.told
    assert stat.S_IMODE((up.directory / "up.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((up.directory / "secrets.json").stat().st_mode) == 0o600
    assert told["api"] == f"http://127.0.0.1:{port}"
    assert told["kafka"] == f"127.0.0.1:{kafka}"
    assert told["pid"] == up.process.pid
    assert told["clickhouse"].startswith("http://shopstream:")
    assert told["clickhouse"].endswith(f"@127.0.0.1:{clickhouse}")
    assert told["bi"].startswith("http://bi:")
    assert set(up.children()) == set(CHILDREN)


def test_the_login_for_bi_only_reads(up: Up) -> None:
    def ask(statement: str) -> httpx.Response:
        return httpx.post(up.told["bi"], content=statement)

    assert ask("SELECT count() >= 0 FROM daily_sales").text == "1\n"
    for statement in (
        "INSERT INTO shopstream.shops (shop_id) VALUES ('x')",
        "CREATE TABLE shopstream_bi.mine (a UInt8) ENGINE = Memory",
        "DROP VIEW shopstream_bi.daily_sales",
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    ):
        assert ask(statement).headers["X-ClickHouse-Exception-Code"] == "164", statement


def test_the_first_order_is_in_the_report(up: Up) -> None:
    order = {
        "orderId": "o-1",
        "status": "paid",
        "currency": "EUR",
        "createdAt": "2026-11-22T10:15:30Z",
        "updatedAt": "2026-11-22T10:15:30Z",
        "items": [{"productId": "p-1", "quantity": 2, "unitPrice": 4.35}],
    }
    event = {"specversion": "1.0", "id": "1", "source": "/t", "type": "order:created"}
    line = json.dumps({**event, "shopid": "up-shop", "data": order}).encode()
    produced = shopstream(up, "produce", "-", stdin=line)
    assert produced.returncode == 0, produced.stderr
    place = produced.stdout.decode().strip()
    token = shopstream(up, "token", "--shop", "up-shop").stdout.decode().strip()
    path = f"/reports/daily-sales?date=2026-11-22&includes={place}"
    status, body = get(up.told["api"] + path, token)
    assert status == 200, body
    assert json.loads(body)["totalRevenue"] == 8.7


def test_a_second_up_on_the_same_directory_is_one_sentence(up: Up) -> None:
    ports = {flag: free_port() for flag in up.ports}
    sentence = refused(command(up.directory, ports))
    assert sentence == (
        f"The data directory {up.directory} cannot be used (another `shopstream up` uses it,"
        f" process {up.process.pid}): choose another with --data-dir."
    )


@pytest.mark.parametrize("flag", ["--port", "--kafka-port", "--clickhouse-port"])
def test_a_port_in_use_is_one_sentence_that_names_the_flag(
    up: Up, tmp_path: Path, flag: str
) -> None:
    ports = {each: free_port() for each in up.ports} | {flag: up.ports[flag]}
    sentence = refused(command(tmp_path / "other", ports))
    assert sentence == f"Port {up.ports[flag]} is in use: choose another with {flag}."


def test_a_data_directory_that_is_a_file_is_one_sentence(up: Up, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    sentence = refused(command(tmp_path / "file", up.ports))
    assert sentence.endswith("choose another with --data-dir.")


def test_verify_finds_no_difference(up: Up) -> None:
    done = shopstream(up, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(b" rows compared, 0 differences\n")


def test_verify_names_a_number_that_was_damaged_by_hand(up: Up) -> None:
    damage(up, 1)
    done = shopstream(up, "verify", "--shop", "damaged")
    damage(up, -1)
    assert done.returncode == 1
    assert done.stdout.decode() == (
        "sales_15m shop_id=damaged slot=2026-11-20 10:00:00 currency=EUR:"
        " orders is 1, should be 0, revenue is 0.0001, should be 0\n"
        "1 rows compared, 1 differences\n"
    )


def damage(up: Up, sign: int) -> None:
    row = (
        f"('damaged', '2026-11-20 10:00:00', 'EUR', {sign}, {sign} * toDecimal128('0.0001', 4), 0)"
    )
    statement = f"INSERT INTO shopstream.sales_15m SELECT * FROM VALUES({row})"
    answer = httpx.post(up.told["clickhouse"], content=statement)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", list(CHILDREN))
def test_a_killed_process_starts_again_and_the_reason_is_printed(up: Up, name: str) -> None:
    before = up.children()
    os.kill(before[name], signal.SIGKILL)
    eventually(lambda: up.children().get(name, before[name]) != before[name])
    eventually(lambda: set(up.children()) == set(CHILDREN) and up.is_ready())
    after = up.children()
    along = {"pipeline"} if name == "broker" else set()
    assert {each for each in CHILDREN if after[each] != before[each]} == {name} | along
    assert f"[{name}] ended (killed by SIGKILL" in up.output.read_text()


@pytest.mark.slow
def test_sigterm_stops_everything_and_the_directory_serves_the_next_start(own: Up) -> None:
    own.start()
    children = list(own.children().values())
    assert len(children) == len(CHILDREN)
    secrets = (own.directory / "secrets.json").read_bytes()
    assert own.stop() < STOPPED_WITHIN
    assert none_alive(children)
    assert not (own.directory / "up.json").exists()
    own.start()
    assert (own.directory / "secrets.json").read_bytes() == secrets
    assert own.stop() < STOPPED_WITHIN


def test_a_killed_up_leaves_no_process(own: Up) -> None:
    own.start()
    children = list(own.children().values())
    assert len(children) == len(CHILDREN)
    own.process.kill()
    own.process.wait()
    eventually(lambda: none_alive(children))
