"""Writes the lock of Kafka's jars: `python -m local.kafka.lock`, part of scripts/lock.

Kafka and a logger, with everything that they need, as jgo resolves it, each with the SHA-256 of what was downloaded.
"""

import tempfile
from pathlib import Path

from local.kafka.jars import LOCK

WANTED = (
    ("org.apache.kafka", "kafka_2.13", "4.4.0"),
    ("org.slf4j", "slf4j-simple", "1.7.36"),
)


def main() -> None:
    """Needs the network."""
    from jgo.env import LockFile
    from jgo.maven import Dependency, MavenContext

    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder))
        asked = [
            Dependency(context.project(group, name).at_version(version).artifact())
            for group, name, version in WANTED
        ]
        given, more = context.resolver.resolve(asked)
        every = sorted((*given, *more), key=lambda one: (one.groupId, one.artifactId))
        LockFile.from_resolved_dependencies(every).save(LOCK)


if __name__ == "__main__":
    main()
