"""Puts `tests/` on the import path: `support` and `oracle` are shared by several folders.

Says which tests one process of `scripts/test` runs after each other: those that share a running system, and else
those of a file. A system that several processes share would be started in each of them, and run to the end.
"""

from pathlib import Path

import pytest

SYSTEMS = {
    *("scene", "ground", "warehouse", "addresses", "broker", "engine", "server", "up"),
    "brokers",
}
"""Fixtures that start one for a whole folder."""
LONG_FIRST = ("e2e", "kafka", "pipeline", "api", "bi", "producer", "local", "transport")
"""Folders in the order in which they begin, so that no process has a long file left when the others are done."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups and sorts, alike in every process."""
    for item in items:
        shared = SYSTEMS & set(getattr(item, "fixturenames", ()))
        group = item.path.parent.name if shared and _is_slow(item.path) else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: _place(item.path))


def _is_slow(path: Path) -> bool:
    return "unit" not in path.parts


def _place(path: Path) -> int:
    name = path.parent.name
    return LONG_FIRST.index(name) if _is_slow(path) and name in LONG_FIRST else len(LONG_FIRST)
