"""Puts `tests/` on the import path: `support` and `oracle` are shared by several folders.

Says which tests one process of `scripts/test` runs after each other: those of a folder that share a running system, and
else those of a file. A system that several processes share would be started in each of them.
"""

import gc
from collections import Counter
from pathlib import Path, PurePath
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

SHARING = ("up", "kafka", "shared", "served", "api", "bi", "producer", "local", "transport")
SHARING += ("clickhouse_server", "clickhouse_client", "push", "engine")
"""Folders of e2e/ and integration/ whose tests share what runs."""
LONG_FIRST = ("up", "e2e", "kafka", "engine", "shared", "served", "pipeline", "api", "bi", *SHARING)
"""The order in which folders begin, so that no process has a long one left when the others are done."""

# timings never decide a test
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_configure() -> None:
    """Files of one name in two folders that are no packages are one module: only a run of both folders would notice."""
    files = Path(__file__).parent.rglob("*.py")
    names = Counter(file.name for file in files if not (file.parent / "__init__.py").exists())
    del names["conftest.py"]
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise pytest.UsageError(f"tests/ has more than one file of each of these names: {twice}")


class Folder(pytest.Package):
    """What fixtures of scope "package" have started ends with the last test of their folder, not with the session."""

    def setup(self) -> None:
        """There is no `__init__.py` to look into."""


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> Folder:
    """Every folder is one."""
    return Folder.from_parent(parent, path=path)


class ByRunningSystem(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out groups of tests, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        path = PurePath(nodeid.partition("::")[0])
        shares = path.parent.name in SHARING and "unit" not in path.parts
        return str(path.parent if shares else path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByRunningSystem:
    """Instead of that of `--dist`."""
    return ByRunningSystem(config, log)


def pytest_collection(session: pytest.Session) -> None:
    """What is collected stays: garbage is not looked for in it, neither now nor while the tests run."""
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones first, alike in every process."""
    items.sort(key=lambda item: _place(item.path.parent.name, item.path.parts))


def _place(folder: str, parts: tuple[str, ...]) -> int:
    return (
        LONG_FIRST.index(folder)
        if "unit" not in parts and folder in LONG_FIRST
        else len(LONG_FIRST)
    )
