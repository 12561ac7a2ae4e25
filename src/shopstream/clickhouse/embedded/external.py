"""External data: files of a multipart request become temporary tables of its handle.

Source: ClickHouse docs "External data for query processing", over HTTP.
"""

import os
from collections.abc import Mapping

from .engine import Handle, backquote, quote
from .errors import ServerError

DEFAULT_FORMAT = "TabSeparated"


def formats(files: Mapping[str, bytes], params: Mapping[str, str]) -> list[str]:
    """The format of each file."""
    return [params.get(f"{name}_format") or DEFAULT_FORMAT for name in files]


def load(handle: Handle, files: Mapping[str, bytes], params: Mapping[str, str]) -> None:
    """Makes and fills a temporary table for each file.

    `NAME_format` (TabSeparated) tells what is in it, `NAME_structure` (`a UInt8, b String`) or
    `NAME_types` (columns `_1`, `_2`, …) its columns. Without those two they are as in the data,
    where the format says so, as Arrow does.

    Raises:
        ServerError: 36 for a name that cannot be a table's.
    """
    for name, content in files.items():
        if not name.isidentifier():
            raise ServerError(36, "BAD_ARGUMENTS", f"'{name}' cannot be an external table's name")
        form = params.get(f"{name}_format") or DEFAULT_FORMAT
        structure = params.get(f"{name}_structure") or _numbered(params.get(f"{name}_types"))
        if structure:
            # a text that the engine parses as a structure only, so it cannot end the statement
            _create(handle, name, f"null({quote(structure)})")
            handle.insert(f"INSERT INTO {backquote(name)}", form, [content])
        else:
            _load_as_is(handle, name, form, content)


def unload(handle: Handle, files: Mapping[str, bytes]) -> None:
    """Drops the tables again, on a handle that lives on."""
    for name in files:
        handle.query(f"DROP TEMPORARY TABLE IF EXISTS {backquote(name)}")


def _create(handle: Handle, name: str, source: str) -> None:
    handle.query(
        f"CREATE OR REPLACE TEMPORARY TABLE {backquote(name)} ENGINE = Memory"
        f" AS SELECT * FROM {source}"
    )


def _load_as_is(handle: Handle, name: str, form: str, content: bytes) -> None:
    """Only a file's columns can be found out by the engine: this one is in memory."""
    memory = os.memfd_create(name)
    try:
        with os.fdopen(os.dup(memory), "wb") as file:
            file.write(content)
        _create(handle, name, f"file({quote(f'/proc/self/fd/{memory}')}, {quote(form)})")
    finally:
        os.close(memory)


def _numbered(types: str | None) -> str:
    kinds = types.split(",") if types else []
    return ", ".join(f"_{number} {kind}" for number, kind in enumerate(kinds, 1))
