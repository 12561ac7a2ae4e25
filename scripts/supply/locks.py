"""The lock files as they are: Python packages with the hashes that pip compares, and the jars of Kafka."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LOCKS: Mapping[str, str] = {
    "server": "requirements.lock",
    "local": "requirements-local.lock",
    "dev": "requirements-dev.lock",
}
"""By what is installed, the smallest first; each has all of the one before."""
JARS = "local/kafka/jars.lock.toml"
_ENTRY = re.compile(r"^([\w.-]+)==(\S+)((?:[^\n]*\\\n +--hash=sha256:[0-9a-f]{64})+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class Package(NamedTuple):
    """`hashes`: SHA-256 of each file of this version. `lock`: the smallest one that names it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    lock: str


class Jar(NamedTuple):
    """By its coordinates in Maven."""

    group: str
    name: str
    version: str
    sha256: str


def packages(root: Path = ROOT) -> list[Package]:
    """Every package of every lock, once, by name."""
    found: dict[str, Package] = {}
    for lock, file in LOCKS.items():
        for name, version, hashes in _ENTRY.findall((root / file).read_text()):
            found.setdefault(name, Package(name, version, tuple(_HASH.findall(hashes)), lock))
    return sorted(found.values())


def jars(root: Path = ROOT) -> list[Jar]:
    """Every jar, in the order of the lock."""
    entries = tomllib.loads((root / JARS).read_text())["dependencies"]
    return [
        Jar(one["groupId"], one["artifactId"], one["version"], one["sha256"]) for one in entries
    ]


def version(root: Path = ROOT) -> str:
    """Of the project."""
    found: str = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    return found
