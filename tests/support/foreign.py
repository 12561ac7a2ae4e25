"""Programs in Java, JavaScript and Go, made once in a cache of the user, which every checkout shares."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.kafka.jars import Jar

MAKING = 600
"""Seconds: Go compiles its client in half a minute, with an empty cache."""


def made(source: Path, tools: tuple[str, ...], make: Callable[[Path], None]) -> Path:
    """The folder of a program that is ready to run, made of the files in `source`; its name has a hash of them.

    Without a tool the test is skipped. A tool that does not make the program fails the test in CI, skips it elsewhere.
    """
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    sources = sorted(source.iterdir())
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:12]
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shopstream-test"
    folder = base / f"{source.parent.name}-{source.name}-{digest}"
    if folder.exists():
        return folder
    base.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=base))
    shutil.copytree(source, draft, dirs_exist_ok=True)
    try:
        make(draft)
        draft.rename(folder)
    except Exception as error:
        shutil.rmtree(draft)
        if folder.exists():  # another process was first
            return folder
        said = f"the program of {source.name} cannot be made: {error}"
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)
    return folder


def java(folder: Path) -> None:
    """jgo downloads the locked jars; javac compiles."""
    from jgo.maven import MavenContext

    lock = tomllib.loads((folder / "jars.lock.toml").read_text())
    jars = [Jar(**entry) for entry in lock["dependencies"]]
    context = MavenContext(repo_cache=folder / "maven", timeout=60)

    def fetch(jar: Jar) -> None:
        project = context.project(jar.groupId, jar.artifactId)
        file = project.at_version(jar.version).artifact().resolve()
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        assert found == jar.sha256, f"{file.name} has the SHA-256 {found}, not the locked one"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fetch, jars))
    (folder / "jars").mkdir()
    for jar in jars:
        (folder / "maven" / jar.path).rename(folder / "jars" / Path(jar.path).name)
    _run("javac", "-d", str(folder), str(folder / "ReadSales.java"), cwd=folder)


def node(folder: Path) -> None:
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)


def go(folder: Path) -> None:
    """Not optimized and without a debugger's tables: a third less to do for a cache that has no packages."""
    flags = ("-gcflags=all=-N -l -dwarf=false", "-ldflags=-s -w")
    more = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOGC": "400"}
    _run("go", "build", *flags, "-o", "read-sales", ".", cwd=folder, **more)


def _run(*command: str, cwd: Path, **variables: str) -> None:
    ran = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=MAKING,
    )
    assert ran.returncode == 0, (ran.stderr or ran.stdout)[-2000:]
