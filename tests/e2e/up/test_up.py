"""`shopstream up` as a user runs it: real processes, real signals."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from shopstream.contracts.topics import INPUTS
from support.orders import asked, produce, sales
from support.processes import free_port
from support.up import (
    CHILDREN,
    FLAGS,
    PATIENCE,
    SHOPS,
    Up,
    command,
    environment,
    eventually,
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
    port, kafka, clickhouse, native = up.ports.values()
    told = up.told
    assert stat.S_IMODE((up.directory / "up.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((up.directory / "secrets.json").stat().st_mode) == 0o600
    assert told["api"] == f"http://127.0.0.1:{port}"
    assert told["kafka"] == f"127.0.0.1:{kafka}"
    assert told["pid"] == up.process.pid
    assert told["clickhouse"].startswith("http://shopstream:")
    assert told["clickhouse"].endswith(f"@127.0.0.1:{clickhouse}")
    assert told["clickhouse_native_port"] == native
    assert told["bi"].startswith("http://bi:")
    assert set(told["bi_shops"]) == set(SHOPS)
    both = f"127.0.0.1:{clickhouse}, native protocol at {native}"
    eventually(lambda: both in up.output.read_text())
    assert not [url for url in (told["bi"], told["clickhouse"]) if url in up.output.read_text()]
    assert set(up.children()) == set(CHILDREN)


REFUSED = ("164", "497", "1001")
"""Read-only, no such right, no such directory."""


def ask(url: str, statement: str) -> httpx.Response:
    return httpx.post(url, content=statement)


def test_the_login_for_bi_only_reads(up: Up) -> None:
    assert ask(up.told["bi"], "SELECT count() >= 0 FROM daily_sales").text == "1\n"
    for statement in (
        "SELECT * FROM shopstream.orders",
        "INSERT INTO shopstream.shops (shop_id) VALUES ('x')",
        "CREATE TABLE shopstream_bi.mine (a UInt8) ENGINE = Memory",
        "DROP VIEW shopstream_bi.daily_sales",
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    ):
        code = ask(up.told["bi"], statement).headers["X-ClickHouse-Exception-Code"]
        assert code in REFUSED, statement


def test_status_tells_what_runs(up: Up) -> None:
    done = shopstream(up, "status", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["states"] == dict.fromkeys(("api", "kafka", "clickhouse", "pipeline"), "ok")
    assert found["addresses"]["api"] == up.told["api"]
    assert set(found["versions"]) == {"api", "pipeline", "kafka", "clickhouse"}
    assert 0 <= found["asOfAgeSeconds"] < 30
    assert set(found["lag"]) == set(INPUTS)
    table = shopstream(up, "status").stdout.decode()
    assert table.startswith(f"shopstream is ready: process {up.process.pid}, data in ")


def test_the_first_order_is_in_the_report(up: Up) -> None:
    place = produce(up, "up-shop", ["o-1"])
    assert sales(up, "up-shop", f"&includes={place}")["totalRevenue"] == 8.7


def test_a_login_of_one_shop_reads_that_shop_only(up: Up) -> None:
    for shop in (*SHOPS, "elsewhere"):
        place = produce(up, shop, ["o-1"])
    assert sales(up, "elsewhere", f"&includes={place}")["totalOrders"] == 1
    for shop, url in up.told["bi_shops"].items():
        assert ask(url, "SELECT DISTINCT shop_id FROM orders FORMAT TSVRaw").text == f"{shop}\n"
        assert ask(url, "SELECT sum(orders) FROM daily_sales").text == "1\n"


def test_the_engine_bears_the_function_of_its_library_that_would_end_it(up: Up) -> None:
    before = up.children()["engine"]
    refused = ask(up.told["bi"], "SELECT * FROM Python(x)")
    assert "allow_python_table_function" in refused.text
    assert ask(up.told["clickhouse"], "SELECT 1").text == "1\n"
    assert up.children()["engine"] == before


def test_a_second_up_on_the_same_directory_is_one_sentence(up: Up) -> None:
    ports = {flag: free_port() for flag in up.ports}
    sentence = refused(command(up.directory, ports))
    assert sentence == (
        f"The data directory {up.directory} cannot be used (another `shopstream up` uses it,"
        f" process {up.process.pid}): choose another with --data-dir."
    )


@pytest.mark.parametrize("flag", FLAGS)
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
        "1 row compared, 1 difference\n"
    )


def test_verify_of_a_shop_without_numbers_is_an_error(up: Up) -> None:
    done = shopstream(up, "verify", "--shop", "nobody")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        "--shop nobody: there are no numbers of this shop, so nothing was compared.\n"
    )


def damage(up: Up, sign: int) -> None:
    row = (
        f"('sales_15m', 'damaged', toDateTime('2026-11-20 10:00:00', 'UTC'), 'EUR', '', {sign}, 0,"
        f" {sign} * toDecimal128('0.0001', 4))"
    )
    columns = "grain, shop_id, start, currency, product_id, orders, quantity, revenue"
    statement = f"INSERT INTO shopstream.order_windows ({columns}) VALUES {row}"
    answer = httpx.post(up.told["clickhouse"], content=statement)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", list(CHILDREN))
def test_a_killed_process_starts_again_and_the_reason_is_printed(up: Up, name: str) -> None:
    before = up.children()
    os.kill(before[name], signal.SIGKILL)
    eventually(lambda: up.children().get(name, before[name]) != before[name])
    eventually(lambda: set(up.children()) == set(CHILDREN) and up.is_ready())
    after = up.children()
    assert {each for each in CHILDREN if after[each] != before[each]} == {name}
    assert f"[{name}] ended (killed by SIGKILL" in up.output.read_text()


def test_broker_and_engine_killed_at_once_lose_nothing_that_was_acknowledged(up: Up) -> None:
    for turn in range(2):
        orders = [f"o-{turn}-{number}" for number in range(2000)]
        produce(up, "killed", orders)
        before = up.children()
        for name in ("broker", "engine"):
            os.kill(before[name], signal.SIGKILL)
        eventually(lambda before=before: fresh(up, before))
    place = produce(up, "killed", ["last"])
    # the pipeline may wait for longer than a report waits for it
    eventually(lambda: asked(up, "killed", f"&includes={place}")[0] == 200)
    # `includes=` is of one record: those of other partitions may come a little later
    eventually(lambda: sales(up, "killed")["totalOrders"] == 4001)
    done = shopstream(up, "verify")
    assert done.returncode == 0, done.stdout + done.stderr


def fresh(up: Up, before: dict[str, int]) -> bool:
    """Broker and engine are others than before, and everything answers."""
    after = up.children()
    if set(after) != set(CHILDREN) or not up.is_ready():
        return False
    with socket.socket() as probe:
        listens = probe.connect_ex(("127.0.0.1", up.ports["--kafka-port"])) == 0
    return listens and all(after[name] != before[name] for name in ("broker", "engine"))
