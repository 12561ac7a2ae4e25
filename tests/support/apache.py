"""Apache Kafka on loopback: one broker, or three that stand in for each other."""

import base64
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from support.jars import jars
from support.processes import Child, free_port
from support.waiting import eventually

# short-lived: the quick compiler, one collector thread
JVM = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
JVM += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
READY = 60.0
"""Seconds; after kill -9 under load a broker reads its logs first."""

NODE = """\
process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
controller.listener.names=C
listeners=B://127.0.0.1:{port},C://127.0.0.1:{controller}
advertised.listeners=B://127.0.0.1:{port}
listener.security.protocol.map=B:PLAINTEXT,C:PLAINTEXT
inter.broker.listener.name=B
log.dirs={data}
auto.create.topics.enable=false
min.insync.replicas={insync}
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replication}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor={replication}
transaction.state.log.min.isr={insync}
share.coordinator.state.topic.replication.factor={replication}
share.coordinator.state.topic.min.isr={insync}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=2097152
log.retention.hours=-1
"""


class Node(Child):
    """One broker that is its own controller; its records and its port stay when it starts again."""

    def __init__(self, number: int, folder: Path, ports: tuple[int, int], settings: str) -> None:
        self.port = ports[0]
        self._properties = folder / f"kafka-{number}.properties"
        self._properties.write_text(settings)
        self._data = folder / f"kafka-{number}"
        java = ["java", *JVM, "-cp", f"{jars()}/*"]
        self._tool = [*java, "kafka.tools.StorageTool"]
        command = [*java, "kafka.Kafka", str(self._properties)]
        super().__init__(f"kafka-{number}", command, folder / f"kafka-{number}.log", {})

    def format(self, cluster: str) -> None:
        """Makes an empty log directory; whatever was in it is gone."""
        shutil.rmtree(self._data, ignore_errors=True)
        command = [*self._tool, "format", "-t", cluster, "-c", str(self._properties)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=READY)
        assert done.returncode == 0, done.stdout + done.stderr


class Apache:
    """Real Kafka. With three nodes each record is on all three, and two of them must have it."""

    idempotence = True
    forgets = False

    def __init__(self, folder: Path, nodes: int = 1) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        ports = [(free_port(), free_port()) for _ in range(nodes)]
        self.replication = nodes
        self.bootstrap = ",".join(f"127.0.0.1:{port}" for port, _ in ports)
        # one with a dash in front would be taken for an option
        self._cluster = base64.b64encode(secrets.token_bytes(16), b"aa").decode().rstrip("=")
        self._formatted = False
        voters = ",".join(f"{n}@127.0.0.1:{own}" for n, (_, own) in enumerate(ports, 1))
        self.nodes: Sequence[Node] = [
            Node(number, folder, pair, _settings(number, folder, pair, voters, nodes))
            for number, pair in enumerate(ports, 1)
        ]

    def start(self) -> None:
        """All nodes that do not run; ready when this returns."""
        if not self._formatted:
            for node in self.nodes:
                node.format(self._cluster)
            self._formatted = True
        for node in self.nodes:
            if not node.running:
                node.start()
        self.until_ready()

    def until_ready(self, within: float = READY) -> None:
        """Every node that runs is known to the others; each partition has a leader and all its copies."""
        wanted = sum(node.running for node in self.nodes)
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

        def ready() -> bool:
            for node in self.nodes:
                assert not node.fell(), node.tail()
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
        for node in self.nodes:
            node.kill()


def _settings(
    number: int, folder: Path, ports: tuple[int, int], voters: str, replication: int
) -> str:
    return NODE.format(
        number=number,
        voters=voters,
        port=ports[0],
        controller=ports[1],
        data=folder / f"kafka-{number}",
        replication=replication,
        insync=min(replication, 2),
    )
