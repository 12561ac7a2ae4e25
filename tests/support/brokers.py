"""The Kafka of a system: the embedded broker, or a real one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from shopstream.local.broker import EmbeddedBroker
from support.processes import Child, free_port


class Brokers(Protocol):
    """`forgets`: a node that ends loses everything. `idempotence`: what the settings must say."""

    @property
    def bootstrap(self) -> str: ...
    @property
    def nodes(self) -> Sequence[Child]: ...
    @property
    def replication(self) -> int: ...
    @property
    def idempotence(self) -> bool: ...
    @property
    def forgets(self) -> bool: ...

    def start(self) -> None:
        """Starts what does not run; it may not answer yet."""


class Embedded:
    """The broker that `shopstream up` runs."""

    replication = 1
    idempotence = False
    forgets = True

    def __init__(self, folder: Path, port: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = port or free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        command = EmbeddedBroker().command(port)
        self.nodes = [Child("broker", command, folder / "broker.log", {})]

    def start(self) -> None:
        if not self.nodes[0].running:
            self.nodes[0].start()
