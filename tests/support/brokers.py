"""Apache Kafka on loopback: one node, or three that stand in for each other; and the settings to reach it."""

import functools
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from local.kafka.install import install
from local.kafka.java import Runtime
from local.kafka.node import Node, command, new_cluster_id, prepare
from shopstream.broker import BrokerUnreachable, TopicAdmin
from shopstream.contracts.topics import TOPICS
from shopstream.faults import Fault
from shopstream.settings import Settings, load
from support.kafka import Kafka
from support.processes import Child, free_port
from support.waiting import eventually

READY = 60.0
"""Seconds; after kill -9 under load a node reads its logs first."""
SHORT_LIVED = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1"}
"""Without Java's slower compiler, which pays only after minutes: half the processor time of a test's node."""
SHORT_SESSIONS = {"group.min.session.timeout.ms": "1000"}
"""Tests do not wait for the six seconds that are the least by default."""


CLUSTER = new_cluster_id()
"""Of every broker of this process: none hears of another."""
_pristine: dict[int, Path] = {}


@functools.cache
def runtime() -> Runtime:
    """Of the cache; the test is skipped where it cannot be filled, and fails in CI."""
    try:
        return install(load())
    except Fault as fault:
        tell = pytest.fail if os.environ.get("CI") else pytest.skip
        tell(str(fault))
        raise AssertionError from fault


class Brokers:
    """With three nodes each record is on all three, and two of them must have it. Not started yet."""

    def __init__(self, folder: Path, nodes: int = 1) -> None:
        self._runtime = runtime()
        self._nodes = [
            Node(n, free_port(), free_port(), folder / f"kafka-{n}") for n in range(1, nodes + 1)
        ]
        self.replication = nodes
        self.bootstrap = ",".join(f"127.0.0.1:{node.port}" for node in self._nodes)
        folder.mkdir(parents=True, exist_ok=True)
        self.nodes: Sequence[Child] = [self._child(node, folder) for node in self._nodes]

    def _child(self, node: Node, folder: Path) -> Child:
        line = command(self._runtime, node.folder / "server.properties")
        return Child(f"kafka-{node.number}", line, folder / f"kafka-{node.number}.log", SHORT_LIVED)

    def start(self) -> None:
        """All nodes that do not run; ready when this returns."""
        quorum = self._nodes if self.replication > 1 else ()
        for node, child in zip(self._nodes, self.nodes, strict=True):
            if not child.running:
                self._prepare(node, quorum)
                child.start()
        self.until_ready()

    def _prepare(self, node: Node, quorum: Sequence[Node]) -> None:
        """Java formats one folder for each number of a node; the others are copies of it."""
        pristine = _pristine.get(node.number)
        if pristine is not None and pristine.exists() and not node.logs.exists():
            shutil.copytree(pristine, node.logs)
        prepare(self._runtime, node, quorum, CLUSTER, SHORT_SESSIONS)
        if pristine is None or not pristine.exists():
            _pristine[node.number] = pristine = node.folder / "pristine"
            shutil.copytree(node.logs, pristine)

    def until_ready(self, within: float = READY) -> None:
        """Every node that runs is known to the others; each partition has a leader and all its copies."""
        wanted = sum(child.running for child in self.nodes)
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

        def ready() -> bool:
            for child in self.nodes:
                assert not child.fell(), child.tail()
            try:
                about = admin.list_topics(timeout=2)
            except KafkaException as error:
                raise OSError(str(error)) from error
            partitions = [p for t in about.topics.values() for p in t.partitions.values()]
            whole = all(
                p.leader > 0 and len(p.isrs) == min(wanted, len(p.replicas)) for p in partitions
            )
            return len(about.brokers) == wanted and whole

        eventually(ready, within, f"Kafka with {wanted} nodes", pause=0.05)

    def end(self) -> None:
        """kill -9 of all."""
        for child in self.nodes:
            child.kill()


class OwnBroker:
    """As `with OwnBroker(folder) as broker`: it runs and has our topics, four partitions each; to be killed at will."""

    def __init__(self, folder: Path) -> None:
        self.brokers = Brokers(folder)
        self.settings = Settings(kafka_bootstrap=self.brokers.bootstrap, kafka_partitions=4)

    def __enter__(self) -> "OwnBroker":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        self.brokers.start()
        eventually(self._make_topics, 20, "topics", passing=(BrokerUnreachable,))

    def kill(self) -> None:
        self.brokers.end()

    def client(self) -> Kafka:
        """Another client than the product's; a new one after a start."""
        return Kafka(self.brokers.bootstrap)

    def _make_topics(self) -> bool:
        with TopicAdmin(self.settings) as admin:
            admin.create_missing(TOPICS)
        return True
