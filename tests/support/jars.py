"""The jars of Apache Kafka: Maven copies them once into a cache outside the repository."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

POM = Path(__file__).with_name("apache.pom.xml")
DOWNLOAD_SECONDS = 300


def jars() -> Path:
    """The directory with the jars; without it, or without Java, the test is skipped, and fails in CI."""
    if not shutil.which("java"):
        _do_without("there is no java")
    found = _cache() / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:16]}"
    if not found.is_dir():
        _download(found)
    return found


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "shopstream-test"


def _download(target: Path) -> None:
    if not shutil.which("mvn"):
        _do_without("its jars are not in the cache and there is no mvn")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as draft:
        libs = Path(draft, "libs")
        copy = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        command = ["mvn", "-q", "-B", "-ntp", "-f", str(POM), *copy, f"-DoutputDirectory={libs}"]
        try:
            # in a directory of its own: Maven may leave files where it runs
            subprocess.run(
                command, cwd=draft, check=True, capture_output=True, timeout=DOWNLOAD_SECONDS
            )
        except subprocess.CalledProcessError as error:
            said = (error.stdout + error.stderr).decode(errors="replace")
            _do_without(f"Maven could not fetch its jars:\n{said[-1000:]}")
        except subprocess.TimeoutExpired:
            _do_without(f"Maven did not fetch its jars within {DOWNLOAD_SECONDS} s")
        if not target.exists():
            libs.rename(target)


def _do_without(reason: str) -> NoReturn:
    tell = pytest.fail if os.environ.get("CI") else pytest.skip
    tell(f"Apache Kafka cannot run here: {reason}")
    raise AssertionError(reason)
