"""One Kafka node that is its own controller (KRaft): its settings, its log directory, its command.

Settings: https://kafka.apache.org/documentation/#brokerconfigs
"""

import base64
import json
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.kafka.java import KafkaNotInstalled, Runtime, java_environment

MIB = 1024 * 1024
RETENTION_BYTES = 512 * MIB
"""Of one partition; how long records are kept is a setting of each topic."""
SEGMENT_BYTES = 64 * MIB
"""Retention deletes whole segments, so a partition may hold this much more."""
FORMAT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Node:
    """Clients at `port`, the quorum at `controller_port`, both on 127.0.0.1; everything it keeps is in `folder`."""

    number: int
    port: int
    controller_port: int
    folder: Path

    @property
    def logs(self) -> Path:
        return self.folder / "data"


def new_cluster_id() -> str:
    """16 random bytes as Kafka writes a UUID; no dash, with which an option would begin."""
    return base64.b64encode(secrets.token_bytes(16), b"aa").decode().rstrip("=")


def prepare(
    runtime: Runtime,
    node: Node,
    quorum: Sequence[Node] = (),
    cluster: str | None = None,
    more: Mapping[str, str] | None = None,
) -> Path:
    """Writes the settings, and formats the log directory where that has not been done; the file of the settings.

    `quorum`: all nodes where there are several, which then share the id `cluster`; `more`: settings that differ.

    Raises:
        KafkaNotInstalled: the log directory cannot be formatted.
        OSError: the folder cannot be written.
    """
    node.folder.mkdir(parents=True, exist_ok=True)
    file = node.folder / "server.properties"
    file.write_text(properties(node, quorum, more))
    if not (node.logs / "meta.properties").exists():
        name = cluster or new_cluster_id()
        arguments = ("format", "--ignore-formatted", "-t", name, "-c", str(file))
        command = runtime.command("kafka.tools.StorageTool", *arguments)
        try:
            done = subprocess.run(
                command,
                env=java_environment(),
                capture_output=True,
                text=True,
                timeout=FORMAT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise KafkaNotInstalled(
                f"Kafka has not formatted {node.logs} within {FORMAT_SECONDS} s: start it again."
            ) from None
        if done.returncode:
            words = (done.stdout + done.stderr).strip().splitlines()
            raise KafkaNotInstalled(f"Kafka cannot format {node.logs}: {words[-1:]}")
    return file


def command(runtime: Runtime, settings: Path, *, train: bool = False) -> list[str]:
    """The argument list that runs a node with a file that `prepare` has written."""
    return runtime.command("kafka.Kafka", str(settings), train=train)


def properties(
    node: Node, quorum: Sequence[Node] = (), more: Mapping[str, str] | None = None
) -> str:
    """The text of server.properties; with several nodes in `quorum` each partition is on all of them."""
    nodes = quorum or (node,)
    copies, in_sync = len(nodes), min(len(nodes), 2)
    settings = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": ",".join(
            f"{one.number}@127.0.0.1:{one.controller_port}" for one in nodes
        ),
        "controller.listener.names": "CONTROLLER",
        "listeners": f"CLIENT://127.0.0.1:{node.port},CONTROLLER://127.0.0.1:{node.controller_port}",
        "advertised.listeners": f"CLIENT://127.0.0.1:{node.port}",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "CLIENT",
        # escaped as JSON text is: Java reads the file as Latin-1
        "log.dirs": json.dumps(str(node.logs))[1:-1],
        "auto.create.topics.enable": "false",
        "min.insync.replicas": in_sync,
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": 0,
        # with the default a node that was killed waits 9 s for its former self
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 1000,
        # no record in the metadata log every half second
        "metadata.max.idle.interval.ms": 0,
        "num.network.threads": 2,
        "num.io.threads": 2,
        "log.cleaner.dedupe.buffer.size": 2 * MIB,
        "log.segment.bytes": SEGMENT_BYTES,
        "log.retention.bytes": RETENTION_BYTES,
        **(more or {}),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
