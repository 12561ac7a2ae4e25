"""The lock of Kafka's jars, and how they are fetched; Maven Central is played by a dictionary."""

import hashlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.kafka import jars
from local.kafka.jars import COMPARED, LOCK, Jar, fetch
from local.kafka.java import KafkaNotInstalled

ENTRIES: list[dict[str, str]] = tomllib.loads(LOCK.read_text())["dependencies"]
CONTENT = {
    "org/a/one/1.0/one-1.0.jar": b"the first",
    "org/b/two/2.5/two-2.5.jar": b"the second",
}
ENTRY = """
[[dependencies]]
groupId = "{group}"
artifactId = "{name}"
version = "{version}"
packaging = "jar"
sha256 = "{sha256}"
"""


def test_every_jar_is_locked_by_version_and_sha_256() -> None:
    assert len(ENTRIES) > 30
    for entry in ENTRIES:
        assert entry.keys() == set(Jar._fields)
        assert re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]), entry
        assert re.fullmatch(r"\d[\w.-]*", entry["version"]), entry
        assert not entry["version"].endswith("SNAPSHOT")
    names = [(entry["groupId"], entry["artifactId"]) for entry in ENTRIES]
    assert names == sorted(set(names))


def test_kafka_is_locked_with_a_logger() -> None:
    versions = {entry["artifactId"]: entry["version"] for entry in ENTRIES}
    assert versions["kafka_2.13"] == versions["kafka-clients"] == "4.4.0"
    assert versions["slf4j-simple"] == versions["slf4j-api"]


class Maven:
    """Answers as jgo does: a file in the repository, or an exception."""

    def __init__(self) -> None:
        self.content = dict(CONTENT)
        self.away = False
        self.asked: list[str] = []

    def __call__(self, repo_cache: Path, timeout: float) -> "Maven":
        if self.away:
            raise AssertionError("nothing is to be downloaded")
        self.repository = repo_cache
        return self

    def project(self, group: str, name: str) -> Any:
        return Wanted(self, group, name)


class Wanted:
    def __init__(self, maven: Maven, group: str, name: str) -> None:
        self._maven, self._group, self._name = maven, group, name

    def at_version(self, version: str) -> "Wanted":
        self._path = Jar(self._group, self._name, version, "jar", "").path
        return self

    def artifact(self) -> "Wanted":
        return self

    def resolve(self) -> None:
        file = self._maven.repository / self._path
        if file.exists():
            return
        self._maven.asked.append(self._path)
        if self._path not in self._maven.content:
            raise OSError("HTTP 503")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self._maven.content[self._path])


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Maven]:
    lock = tmp_path / "lock.toml"
    entries = []
    for path, content in CONTENT.items():
        *groups, name, version, _ = path.split("/")
        sha256 = hashlib.sha256(content).hexdigest()
        entries.append(
            ENTRY.format(group=".".join(groups), name=name, version=version, sha256=sha256)
        )
    lock.write_text("".join(entries))
    maven = Maven()
    monkeypatch.setattr(jars, "LOCK", lock)
    monkeypatch.setattr("jgo.maven.MavenContext", maven)
    return maven


def refused(folder: Path) -> str:
    with pytest.raises(KafkaNotInstalled) as caught:
        fetch(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_jar_is_fetched_in_the_order_of_the_lock(tmp_path: Path, maven: Maven) -> None:
    found = fetch(tmp_path)
    assert found == tuple(tmp_path / "maven" / path for path in CONTENT)
    assert [path.read_bytes() for path in found] == list(CONTENT.values())


def test_the_second_time_needs_no_network(tmp_path: Path, maven: Maven) -> None:
    first = fetch(tmp_path)
    maven.away = True
    assert fetch(tmp_path) == first


def test_another_file_than_the_locked_one_is_deleted_and_fetched_again(
    tmp_path: Path, maven: Maven
) -> None:
    path = "org/b/two/2.5/two-2.5.jar"
    maven.content[path] = b"something else"
    assert refused(tmp_path) == (
        "two-2.5.jar: what was downloaded has not the SHA-256 that is locked, and was deleted;"
        " run this again to download it anew."
    )
    assert not (tmp_path / "maven" / path).exists()
    assert not (tmp_path / COMPARED).exists()
    maven.content[path] = CONTENT[path]
    maven.asked.clear()
    assert [jar.read_bytes() for jar in fetch(tmp_path)] == list(CONTENT.values())
    assert maven.asked == [path]


def test_a_download_that_fails_can_be_repeated_and_keeps_what_has_arrived(
    tmp_path: Path, maven: Maven
) -> None:
    path = "org/b/two/2.5/two-2.5.jar"
    del maven.content[path]
    assert refused(tmp_path) == (
        "The jars of Apache Kafka could not be downloaded (HTTP 503):"
        " run this again when Maven Central can be reached; what has arrived is kept."
    )
    maven.content[path] = CONTENT[path]
    maven.asked.clear()
    fetch(tmp_path)
    assert maven.asked == [path]


@pytest.mark.usefixtures("maven")
def test_without_jgo_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    assert refused(tmp_path) == "The package jgo is missing: install shopstream[local]."
