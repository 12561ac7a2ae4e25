"""The jars of Apache Kafka: downloaded once into a folder, each compared with the SHA-256 of a lock file.

The lock is one of jgo (https://github.com/apposed/jgo), made by scripts/lock; jgo downloads from Maven Central.
"""

import hashlib
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from local.kafka.java import KafkaNotInstalled

LOCK = Path(__file__).with_name("jars.lock.toml")
COMPARED = "compared"
"""A file that is there once every jar is, and is the locked one."""
DOWNLOADS_AT_ONCE = 8
SILENT_SECONDS = 60
"""Without a byte, after which a download fails."""


class Jar(NamedTuple):
    """An entry of the lock, with the names that Maven and jgo give."""

    groupId: str
    artifactId: str
    version: str
    packaging: str
    sha256: str

    @property
    def path(self) -> str:
        """In a Maven repository."""
        name = f"{self.artifactId}-{self.version}.{self.packaging}"
        return f"{self.groupId.replace('.', '/')}/{self.artifactId}/{self.version}/{name}"


def fetch(folder: Path) -> tuple[Path, ...]:
    """Every jar of the lock, in its order. Once all are there and right, no network is needed.

    Raises:
        KafkaNotInstalled: a download failed, or gave another file than the locked one; it may be repeated.
    """
    locked = _locked()
    repository = folder / "maven"
    jars = tuple(repository / jar.path for jar in locked)
    if not is_fetched(folder):
        # jgo takes a file that is there, also one that was cut off
        _delete_others(locked, jars)
        _download(locked, repository)
        if others := _delete_others(locked, jars):
            raise KafkaNotInstalled(
                f"{', '.join(others)}: what was downloaded has not the SHA-256 that is locked, and was deleted;"
                " run this again to download it anew."
            )
        (folder / COMPARED).touch()
    return jars


def locked_version() -> str:
    """Of Apache Kafka."""
    return next(jar.version for jar in _locked() if jar.groupId == "org.apache.kafka")


def is_fetched(folder: Path) -> bool:
    """Whether every jar is there, and was the locked one when it came."""
    jars = (folder / "maven" / jar.path for jar in _locked())
    return (folder / COMPARED).exists() and all(jar.exists() for jar in jars)


def _locked() -> list[Jar]:
    return [Jar(**entry) for entry in tomllib.loads(LOCK.read_text())["dependencies"]]


def _download(locked: Sequence[Jar], repository: Path) -> None:
    try:
        from jgo.maven import MavenContext
    except ImportError:
        raise KafkaNotInstalled("The package jgo is missing: install shopstream[local].") from None
    context = MavenContext(repo_cache=repository, timeout=SILENT_SECONDS)

    def resolve(jar: Jar) -> None:
        context.project(jar.groupId, jar.artifactId).at_version(jar.version).artifact().resolve()

    try:
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            list(pool.map(resolve, locked))
    except Exception as error:  # of jgo, of its HTTP client, or of the file system
        raise KafkaNotInstalled(
            f"The jars of Apache Kafka could not be downloaded ({error}):"
            " run this again when Maven Central can be reached; what has arrived is kept."
        ) from error


def _delete_others(locked: Sequence[Jar], jars: Sequence[Path]) -> list[str]:
    """Deletes the jars that are not the locked ones; their names."""
    others = []
    for one, jar in zip(locked, jars, strict=True):
        if jar.exists() and hashlib.sha256(jar.read_bytes()).hexdigest() != one.sha256:
            jar.unlink()
            others.append(jar.name)
    return others
