"""Puts `tests/` on the import path: `support` and `oracle` are shared by several folders.

Says which tests one process of `scripts/test` runs after each other: those of a folder that share a running system, and
else those of a file. A system that several processes share would be started in each of them, and run to the end.
"""

from pathlib import PurePath
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

SHARING = ("kafka", "api", "bi", "producer", "local", "transport", "clickhouse_server")
"""Folders of integration/ whose tests share what runs."""
SHARING_FILES = {
    *("test_up.py", "test_browser.py", "test_pipeline_levels.py", "test_pipeline_orders.py"),
    *("test_pipeline_refused.py", "test_pipeline_topics.py", "test_pipeline_commands.py"),
}
"""Files that do so in a folder where the others have systems of their own."""
LONG_FIRST = ("e2e", "kafka", "pipeline", "api", "bi", *SHARING)
"""The order in which folders begin, so that no process has a long one left when the others are done."""


class ByRunningSystem(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out groups of tests, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        path = PurePath(nodeid.partition("::")[0])
        shares = path.parent.name in SHARING or path.name in SHARING_FILES
        return path.parent.name if shares and "unit" not in path.parts else str(path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByRunningSystem:
    """Instead of that of `--dist`."""
    return ByRunningSystem(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones first, alike in every process."""
    items.sort(key=lambda item: _place(item.path.parent.name, item.path.parts))


def _place(folder: str, parts: tuple[str, ...]) -> int:
    return (
        LONG_FIRST.index(folder)
        if "unit" not in parts and folder in LONG_FIRST
        else len(LONG_FIRST)
    )
