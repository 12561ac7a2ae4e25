"""External data: files of a multipart request become temporary tables of its handle.

Source: ClickHouse docs "External data for query processing", over HTTP.
"""

from collections.abc import Mapping

from .engine import Handle, backquote, quote
from .errors import ServerError


def load(handle: Handle, files: Mapping[str, bytes], params: Mapping[str, str]) -> None:
    """Makes and fills a temporary table for each file.

    `NAME_structure` (or `NAME_types`, columns `_1`, `_2`, …) and `NAME_format` (TabSeparated) tell
    what is in it.

    Raises:
        ServerError: 36 for a name that cannot be a table's.
    """
    for name, content in files.items():
        if not name.isidentifier():
            raise ServerError(36, "BAD_ARGUMENTS", f"'{name}' cannot be an external table's name")
        structure = params.get(f"{name}_structure") or _numbered(params.get(f"{name}_types", ""))
        # the structure goes in as a text that the engine parses, so it cannot end the statement
        handle.query(
            f"CREATE OR REPLACE TEMPORARY TABLE {backquote(name)} ENGINE = Memory"
            f" AS SELECT * FROM null({quote(structure)})"
        )
        form = params.get(f"{name}_format") or "TabSeparated"
        handle.insert(f"INSERT INTO {backquote(name)}", form, [content])


def unload(handle: Handle, files: Mapping[str, bytes]) -> None:
    """Drops the tables again, on a handle that lives on."""
    for name in files:
        handle.query(f"DROP TEMPORARY TABLE IF EXISTS {backquote(name)}")


def _numbered(types: str) -> str:
    names = (kind for kind in (types or "String").split(","))
    return ", ".join(f"_{number} {kind}" for number, kind in enumerate(names, 1))
