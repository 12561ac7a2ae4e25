"""`shopstream up` as a user runs it: real processes, real signals."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shopstream.local.probes import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

READY_WITHIN = 15.0
STOPPED_WITHIN = 10.0
PATIENCE = 60.0
"""Seconds."""

CHILDREN = {
    "broker": "--kafka-listener-url",
    "engine": "shopstream.clickhouse.embedded",
    "pipeline": "shopstream\0pipeline",
    "api": "shopstream\0api",
}
"""What tells each process by its command line."""


class Up:
    """One `shopstream up` with ports and a data directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ports = {flag: free_port() for flag in ("--port", "--kafka-port", "--clickhouse-port")}
        self.output = directory.with_suffix(".out")

    def start(self) -> float:
        """Returns after how many seconds it was ready."""
        begun = time.monotonic()
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                command(self.directory, self.ports), env=environment(), stdout=out, stderr=out
            )
        eventually(self._settled)
        assert self.process.poll() is None, self.output.read_text()
        return time.monotonic() - begun

    def _settled(self) -> bool:
        return self.process.poll() is not None or (self.directory / "up.json").exists()

    @property
    def told(self) -> dict[str, Any]:
        """`up.json`."""
        found: dict[str, Any] = json.loads((self.directory / "up.json").read_text())
        return found

    def children(self) -> dict[str, int]:
        """The running processes by name."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and parent_of(int(entry.name)) == self.process.pid:
                line = command_line(int(entry.name))
                found |= {name: int(entry.name) for name, part in CHILDREN.items() if part in line}
        return found

    def is_ready(self) -> bool:
        return get(self.told["api"] + "/ready")[0] == 200

    def stop(self) -> float:
        """SIGTERM; after how many seconds it had ended."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.output.read_text()
        return time.monotonic() - begun

    def discard(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOPPED_WITHIN + 5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A running one that the tests of this module share."""
    running = Up(tmp_path_factory.mktemp("up") / "data")
    running.start()
    yield running
    running.discard()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Up]:
    """One that a test may end."""
    started = Up(tmp_path / "data")
    yield started
    started.discard()


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "SHOPSTREAM" not in name}


def command(directory: Path, ports: dict[str, int]) -> list[str]:
    flags = [text for flag, port in ports.items() for text in (flag, str(port))]
    return [sys.executable, "-m", "shopstream", "up", *flags, "--data-dir", str(directory)]


def shopstream(up: Up, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "shopstream", *arguments],
        env={**environment(), "SHOPSTREAM_DATA_DIR": str(up.directory)},
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
    )


def eventually(condition: Callable[[], bool], within: float = PATIENCE) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def parent_of(pid: int) -> int | None:
    """The parent, None where the process is gone or a zombie."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return int(parent) if state != "Z" else None


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


def none_alive(pids: list[int]) -> bool:
    return all(parent_of(pid) is None for pid in pids)


def get(url: str, token: str | None = None) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=10
        ) as got:
            return got.status, got.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        return 0, str(error).encode()


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
    assert done.stdout.endswith(" rows compared, 0 differences\n")


def test_verify_names_a_number_that_was_damaged_by_hand(up: Up) -> None:
    damage(up, 1)
    done = shopstream(up, "verify", "--shop", "damaged")
    damage(up, -1)
    assert done.returncode == 1
    assert done.stdout == (
        "sales_day shop=damaged day=2026-11-20 currency=EUR:"
        " orders is 1, should be 0, revenue is 0.0001, should be 0\n"
        "1 rows compared, 1 differences\n"
    )


def damage(up: Up, sign: int) -> None:
    row = f"('damaged', '2026-11-20', 'EUR', {sign}, {sign} * toDecimal128('0.0001', 4), 0)"
    statement = f"INSERT INTO shopstream.sales_day SELECT * FROM VALUES({row})"
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
    assert own.start() < READY_WITHIN
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
