"""`python -m local.kafka` as a process: it serves, keeps what it has, and needs no network."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from shopstream.broker import BrokerUnreachable, TopicAdmin
from shopstream.contracts.topics import TOPICS
from shopstream.settings import Settings
from support.brokers import runtime
from support.events import Sent
from support.kafka import Kafka
from support.processes import Child, free_port
from support.waiting import eventually

TOPIC = "shop.orders"
DEAD = "http://127.0.0.1:9"
OFFLINE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), DEAD)
PLACES = [(TOPIC, number) for number in range(2)]


def command(folder: Path, port: int) -> list[str]:
    flags = ["--folder", str(folder), "--port", str(port)]
    return [sys.executable, "-m", "local.kafka", *flags]


class Node:
    """One that is started without a network: all that it needs is in the cache."""

    def __init__(self, folder: Path, more: Mapping[str, str] | None = None) -> None:
        runtime()
        self.port = free_port()
        self.folder = folder / "node"
        env = {**OFFLINE, "NO_PROXY": "", **(more or {})}
        self.child = Child("node", command(self.folder, self.port), folder / "node.log", env)
        self.settings = Settings(kafka_bootstrap=f"127.0.0.1:{self.port}", kafka_partitions=2)

    def start(self) -> None:
        self.child.start()
        eventually(self._answers, 60, "Kafka", passing=(KafkaException,), pause=0.05)

    def _answers(self) -> bool:
        assert self.child.running, self.child.tail()
        admin = AdminClient({"bootstrap.servers": self.settings.kafka_bootstrap, "log_level": 0})
        about = admin.list_topics(timeout=2)
        return all(p.leader == 1 for t in about.topics.values() for p in t.partitions.values())

    def client(self) -> Kafka:
        return Kafka(self.settings.kafka_bootstrap, {"acks": "all"})


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = Node(tmp_path_factory.mktemp("process"))
    try:
        node.start()
        yield node
    finally:
        node.child.kill()


def commit(node: Node, offsets: Mapping[tuple[str, int], int]) -> None:
    options = {"bootstrap.servers": node.settings.kafka_bootstrap, "group.id": "kept"}
    consumer = Consumer({**options, "enable.auto.commit": False})
    wanted = [TopicPartition(*place, offset) for place, offset in offsets.items()]

    def done() -> bool:
        consumer.commit(offsets=wanted, asynchronous=False)
        return True

    try:
        eventually(done, 20, "committed", passing=(KafkaException,))
    finally:
        consumer.close()


def test_records_offsets_and_topics_survive_kill_9_and_sigterm(node: Node) -> None:
    with TopicAdmin(node.settings) as admin:
        admin.create_missing(TOPICS)
        ids = admin.topic_ids(topic.name for topic in TOPICS)
        assert all(ids.values())
        ends = dict.fromkeys(PLACES, 0)
        kept: list[bytes] = []
        for how in (signal.SIGKILL, signal.SIGTERM):
            values = [b"%d-%d" % (how, number) for number in range(1000)]
            sent = [
                Sent(None, value, topic=TOPIC, partition=n % 2) for n, value in enumerate(values)
            ]
            node.client().produce(sent, lambda _: None)
            kept += values
            ends = {place: end + 500 for place, end in ends.items()}
            commit(node, ends)
            if how == signal.SIGKILL:
                node.child.kill()
            else:
                assert node.child.stop(20) == 143, node.child.tail()
            with pytest.raises(BrokerUnreachable):
                admin.topic_ids([TOPIC])
            node.start()
            reads = node.client().read(ends)
            assert sorted(read.value or b"" for read in reads) == sorted(kept)
            assert node.client().committed("kept", PLACES) == ends
            assert admin.topic_ids(topic.name for topic in TOPICS) == ids


def test_it_listens_on_loopback_alone(node: Node) -> None:
    assert node.child.process
    pid = node.child.process.pid
    assert listening(pid)
    assert {address for address, _ in listening(pid)} == {"127.0.0.1"}
    assert node.port in {port for _, port in listening(pid)}


def listening(pid: int) -> set[tuple[str, int]]:
    """Addresses of the TCP sockets on which a process listens."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A" and parts[9] in inodes:
                address, port = parts[1].split(":")
                found.add((_ip(address), int(port, 16)))
    return found


def _ip(text: str) -> str:
    """The kernel writes words of 32 bits, little-endian; an IPv4 address may stand in an IPv6 one."""
    raw = b"".join(bytes.fromhex(text[n : n + 8])[::-1] for n in range(0, len(text), 8))
    raw = raw.removeprefix(bytes(10) + b"\xff\xff")
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


def ends_with(line: list[str]) -> tuple[int, str]:
    env = {name: value for name, value in os.environ.items() if "SHOPSTREAM" not in name}
    done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    runtime()
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "kafka"
    assert ends_with(command(folder, free_port())) == (
        1,
        f"--folder {folder} cannot be used (Not a directory).\n",
    )


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    runtime()
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        code, said = ends_with(command(tmp_path / "kafka", port))
    assert (code, said) == (1, f"Port {port} is in use: choose another with --port.\n")


def test_a_java_that_is_not_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ["env", f"SHOPSTREAM_JAVA={tmp_path}/java", *command(tmp_path / "kafka", free_port())]
    assert ends_with(line) == (
        1,
        f"{tmp_path}/java cannot be run (No such file or directory):"
        " set SHOPSTREAM_JAVA to a java executable of version 17 or later.\n",
    )


def test_the_records_are_where_the_folder_says_whatever_letters_it_has(tmp_path: Path) -> None:
    """Also where the locale has no such letters."""
    folder = tmp_path / "büro & Söhne's 100% = #1"
    folder.mkdir()
    node = Node(folder, {"LC_ALL": "C"})
    try:
        node.start()
        assert (node.folder / "data" / "meta.properties").exists()
    finally:
        node.child.kill()
    assert list(tmp_path.iterdir()) == [folder]
