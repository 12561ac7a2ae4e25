"""Makes everything that a Kafka node runs on, once, in a cache that every checkout of this user shares.

Run as a module it does only that: `python -m local.kafka.install`.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.child import bound_to
from local.kafka.jars import LOCK, fetch, is_fetched
from local.kafka.java import KafkaNotInstalled, Runtime, find_java, java_environment
from local.kafka.node import Node, command, prepare
from local.probes import free_port
from shopstream.faults import Fault
from shopstream.settings import PREFIX, Settings, SettingsError, load

TRAIN_SECONDS = 30


def _folder(settings: Settings) -> Path:
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    return settings.cache_dir.expanduser().absolute() / f"kafka-{digest}"


def install(settings: Settings, say: Callable[[str], object] = lambda _: None) -> Runtime:
    """A runtime that is complete; the first call downloads 43 MB and starts a node for a moment.

    `say` gets a line before what takes long, and one after it.

    Raises:
        KafkaNotInstalled: a package or a Java is missing, the download failed, or the cache cannot be written.
    """
    begun = time.monotonic()
    java = find_java(settings.java)
    folder = _folder(settings)
    archive = folder / java.archive_name
    what = None if archive.exists() else "preparing"
    if not is_fetched(folder):
        what = "downloading (43 MB) and preparing"
    if what:
        say(f"Apache Kafka: {what} it in {folder}, about half a minute, once.\n")
    with _alone(folder):
        runtime = Runtime(java, fetch(folder), archive)
        if not runtime.archive.exists():
            _train(runtime, folder)
    if what:
        say(f"Apache Kafka: done in {time.monotonic() - begun:.0f} s.\n")
    return runtime


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Others who install at the same time wait."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise KafkaNotInstalled(
            f"The cache {folder} cannot be used ({error.strerror}): set {PREFIX}CACHE_DIR to another directory."
        ) from None


def _train(runtime: Runtime, folder: Path) -> None:
    """Runs a node until it serves our topics, and has Java archive the classes that it loaded for that.

    A Java that makes no archive leaves an empty one: nodes then start without, a second slower.
    """
    from shopstream.broker import BrokerUnreachable, TopicRefused

    with tempfile.TemporaryDirectory(dir=folder) as home:
        node = Node(1, free_port(), free_port(), Path(home))
        settings = prepare(runtime, node)
        process = subprocess.Popen(
            command(runtime, settings, train=True),
            env=java_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=bound_to(os.getpid()),
        )
        try:
            _serve_topics(node.port)
            process.terminate()
            process.wait(TRAIN_SECONDS)
        except (BrokerUnreachable, TopicRefused, subprocess.TimeoutExpired):
            # too slow this time: the next start tries again
            process.kill()
            process.wait()
            runtime.archive.unlink(missing_ok=True)
        else:
            runtime.archive.touch()
        finally:
            process.kill()
            process.wait()


def _serve_topics(port: int) -> None:
    """Raises: BrokerUnreachable: it did not come up in time."""
    from shopstream.broker import BrokerUnreachable, TopicAdmin
    from shopstream.contracts.topics import TOPICS

    deadline = time.monotonic() + TRAIN_SECONDS
    settings = Settings(
        kafka_bootstrap=f"127.0.0.1:{port}",
        kafka_security_protocol="PLAINTEXT",
        kafka_partitions=1,
        kafka_replication=1,
    )
    with TopicAdmin(settings) as admin:
        while True:
            try:
                admin.create_missing(TOPICS)
            except BrokerUnreachable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return


def main() -> int:
    """For scripts/run and scripts/test: 1 with a sentence where it does not work."""
    try:
        install(load(), sys.stderr.write)
    except (Fault, SettingsError) as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
