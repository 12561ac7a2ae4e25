"""What `shopstream import` reads: one document after another, each with its position in the file."""

import codecs
import csv
import json
import secrets
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from shopstream.contracts.json_text import NotJson, parse
from shopstream.faults import Fault
from shopstream.sources import Mapped, Shop, map_json, map_payload
from shopstream.sources.tabular import (
    BadMap,
    Row,
    RowFault,
    column_map,
    grouped,
    last_rows,
    order,
)

WHOLE_BYTES = 512 * 1024 * 1024
"""Of a JSON document, which is taken into memory; JSON lines have no bound."""
_END = secrets.token_hex(8)
"""A line behind the last one of a table, which no table has."""


class Document(NamedTuple):
    """`end` is the last row, line or item that was read for it; `rows` are those of the lines of its order.

    `mapped` raises `Unmapped`, `NotJson` or `RowFault`.
    """

    end: int
    rows: list[int]
    mapped: Callable[[], Mapped]


@dataclass(frozen=True, slots=True)
class Source:
    """`count` is the greatest `end`; `noun` what is counted. `documents` ascend in `end`."""

    noun: str
    count: int
    documents: Callable[[], Iterator[Document]]


@dataclass(frozen=True, slots=True)
class Table:
    """How a table is read: `document` is the document of its column map."""

    document: Mapping[str, Any]
    delimiter: str = ","
    encoding: str = "utf-8-sig"


def read_column_map(
    file: Path | None, flags: Mapping[str, str | None], pairs: Iterable[str]
) -> dict[str, Any]:
    """The document of a column map: that of a TOML or JSON file, with what flags say above it.

    Raises:
        Fault: the file cannot be read, or a pair is not `field=column`.
    """
    document: dict[str, Any] = {} if file is None else _read_map(file)
    columns = dict(document.get("columns") or {})
    for pair in pairs:
        name, sign, column = pair.partition("=")
        if not sign:
            raise Fault(f"--map {pair}: must be field=column, such as orderId=InvoiceNo.")
        columns[name] = column
    given = {name: value for name, value in flags.items() if value is not None}
    return {**document, **given, "columns": columns}


def _read_map(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text()
        found = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise Fault(f"--columns {file}: is not readable as TOML or .json ({error}).") from None
    if not isinstance(found, dict):
        raise Fault(f"--columns {file}: must be a table.")
    return found


def open_table(path: Path, table: Table, shop: Shop) -> Source:
    """A CSV file as orders.

    Raises:
        Fault: it cannot be read, or the column map does not fit it.
    """
    header = next(_cells(path, table), None)
    if header is None:
        raise Fault(f"{path} is empty.")
    try:
        known = column_map(table.document, header)
    except BadMap as error:
        raise Fault(f"The column map: {error}.") from None
    last = last_rows(_rows(path, table), known)

    def mapped(rows: list[Row]) -> Mapped:
        for row in rows:
            if _END in row.cells:
                raise RowFault(row.number, f"has more cells than the {len(header)} of the header")
        return Mapped((order(rows, known, shop),))

    def documents() -> Iterator[Document]:
        for end, rows in grouped(_rows(path, table), last, known):
            yield Document(end, [row.number for row in rows], partial(mapped, rows))

    count = max(last.values(), default=1)
    return Source("row", count, documents)


def _rows(path: Path, table: Table) -> Iterator[Row]:
    lines = _cells(path, table)
    header = next(lines, [])
    for number, cells in enumerate(lines, 2):
        if cells:
            short = len(header) - len(cells)
            named = dict(zip(header, cells + [""] * short, strict=False))
            # under a name that no column has
            more = {_END: " ".join(cells[len(header) :])} if short < 0 else {}
            yield Row(number, {**named, **more})


def _cells(path: Path, table: Table) -> Iterator[list[str]]:
    try:
        with path.open(newline="", encoding=table.encoding) as file:
            yield from _closed(csv.reader(_with_end(file), delimiter=table.delimiter), path)
    except OSError as error:
        raise Fault(f"{path} cannot be read ({error.strerror}).") from None
    except LookupError:
        raise Fault(f"--encoding {table.encoding}: is not known.") from None
    except UnicodeDecodeError as error:
        why = f"{path} is not {table.encoding} ({error.reason} at byte {error.start})"
        raise Fault(f"{why}: say --encoding, such as cp1252.") from None
    except (csv.Error, TypeError) as error:
        raise Fault(f"{path} is not readable as CSV ({error}).") from None


def _with_end(file: Iterable[str]) -> Iterator[str]:
    yield from file
    yield _END


def _closed(rows: Iterable[list[str]], path: Path) -> Iterator[list[str]]:
    """A quote that no other one closes takes all that follows into its cell: then the last line is none of its own."""
    number = 0
    for number, cells in enumerate(rows, 1):  # noqa: B007
        if cells == [_END]:
            return
        if cells and cells[-1].endswith(_END):
            break
        yield cells
    raise Fault(f'{path}: the quote (") that row {number:,} opens is never closed.')


def open_payloads(path: Path, shop: Shop) -> Source:
    """A file of a platform's payloads: JSON lines, a JSON array, an object with one, or a single payload.

    Raises:
        Fault: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            first = next((line for line in _without_mark(file) if line.strip()), b"")
            more = any(line.strip() for line in file)
        if more and _is_object(first):
            with path.open("rb") as file:
                return Source("line", sum(1 for _ in file), partial(_lines, path, shop))
        if path.stat().st_size > WHOLE_BYTES:
            limit = f"more than {WHOLE_BYTES // 1024**2} MiB"
            raise Fault(f"{path} is one JSON document of {limit}: make JSON lines of it (jq -c).")
        items = _items(parse(path.read_bytes().removeprefix(codecs.BOM_UTF8)))
    except OSError as error:
        raise Fault(f"{path} cannot be read ({error.strerror}).") from None
    except NotJson as error:
        raise Fault(f"{path} is neither JSON nor JSON lines ({error}).") from None

    def documents() -> Iterator[Document]:
        for number, item in enumerate(items, 1):
            yield Document(number, [number], partial(map_payload, None, item, shop))

    return Source("item", len(items), documents)


def _lines(path: Path, shop: Shop) -> Iterator[Document]:
    with path.open("rb") as file:
        for number, line in enumerate(_without_mark(file), 1):
            if line.strip():
                yield Document(number, [number], partial(map_json, None, line, shop))


def _without_mark(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Without the byte order mark that some editors and shells begin a file with."""
    for number, line in enumerate(lines):
        yield line if number else line.removeprefix(codecs.BOM_UTF8)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(parse(line), dict)
    except NotJson:
        return False


def _items(document: Any) -> list[Any]:
    """Of `{"orders": […]}`, as Shopify answers, and `{"object": "list", "data": […]}`, as Stripe does, the list."""
    if isinstance(document, dict):
        if document.get("object") == "list" and isinstance(data := document.get("data"), list):
            return data
        if len(document) == 1 and isinstance(only := next(iter(document.values())), list):
            return only
        return [document]
    return document if isinstance(document, list) else [document]
