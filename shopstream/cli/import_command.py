"""`shopstream import`: the history of a platform to Kafka, from where the last attempt ended."""

import contextlib
import hashlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from shopstream.cli.counted import counted
from shopstream.cli.environment import data_directory, load_beside_up
from shopstream.cli.import_reading import (
    Document,
    Source,
    Table,
    open_payloads,
    open_table,
    read_column_map,
)
from shopstream.cli.steps_bar import steps_bar
from shopstream.contracts.json_text import NotJson
from shopstream.faults import Fault
from shopstream.producer import InvalidEvent, NotDelivered, Sent, ShopProducer
from shopstream.producer.plain import encode
from shopstream.producer.routing import check, route
from shopstream.sources import Shop, Unmapped
from shopstream.sources.tabular import RowFault

SAVE_EVERY = 1_000
"""Documents between two waits for Kafka, after each of which the position in the file is saved."""
ENDS = 64 * 1024
"""Bytes of a file's beginning and end that tell it from another."""
REASONS = 20
"""Different ones for which documents are ignored, in a summary; they repeat texts of the file."""
KEPT = ("documents", "events", "refused")
"""Of a summary, in the state file."""
CSV = "csv"

Complain = Callable[[int, str], None]
Advance = Callable[[int, int], None]


@dataclass(slots=True)
class Summary:
    """What became of the documents of a file, those of earlier attempts among them."""

    noun: str = "item"
    documents: int = 0
    events: int = 0
    refused: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    dry: bool = False
    seconds: float = 0.0
    last: str | None = None

    def sentence(self) -> str:
        sent = "would be sent" if self.dry else "sent"
        parts = [f"{counted(self.events, 'event')} {sent}; {self.seconds:.1f} s"]
        if self.resumed:
            parts.append(f"resumed behind {self.noun} {self.resumed:,}")
        parts += [f"{n:,} ignored ({why})" for why, n in sorted(self.ignored.items())]
        if self.refused:
            parts.append(f"{self.refused:,} refused")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class CsvFlags:
    """Of the command line, for tables alone."""

    columns: Path | None
    pairs: tuple[str, ...]
    constants: Mapping[str, str | None]
    delimiter: str
    encoding: str

    def table(self) -> Table:
        """With the column map as its file and the flags say it."""
        document = read_column_map(self.columns, self.constants, self.pairs)
        return Table(document, "\t" if self.delimiter == "\\t" else self.delimiter, self.encoding)


def import_file(
    platform: str, file: Path, shop_id: str, flags: CsvFlags, *, dry_run: bool
) -> Summary:
    """Sends the history in a file, with a bar on a terminal and what is refused on standard error.

    Raises:
        Fault: the file or the column map is not usable, or Kafka has not taken everything.
    """
    if file.exists() and not file.is_file():
        raise Fault(f"{file} is no file: an import reads it more than once.")
    shop, table = Shop(platform, shop_id, backfill=True), flags.table()
    source = open_table(file, table, shop) if platform == CSV else open_payloads(file, shop)

    def complain(row: int, rule: str) -> None:
        sys.stderr.write(f"{source.noun} {row}: {rule}\n")

    with ExitStack() as stack:
        producer = None
        settings = None if dry_run else load_beside_up()
        if settings is not None:
            producer = stack.enter_context(ShopProducer(settings))
        advance = stack.enter_context(steps_bar("importing"))
        directory = settings.data_dir if settings else data_directory()
        state = StateFile(file, directory, [platform, shop_id, asdict(table)])
        return import_source(source, producer, state, complain, advance)


class StateFile:
    """Where an import is, beside its file, or in the data directory where that folder is not writable.

    It belongs to one file, shop and map: another one begins anew. It is replaced as a whole, so a kill leaves the one
    before.
    """

    def __init__(self, source: Path, data_dir: Path, about: object) -> None:
        text = json.dumps([_print_of(source), about], sort_keys=True, default=str)
        self._key = hashlib.sha256(text.encode()).hexdigest()
        beside = source.with_name(f"{source.name}.import.json")
        elsewhere = data_dir / "imports" / f"{self._key[:32]}.json"
        self.path = beside if os.access(source.parent, os.W_OK) else elsewhere

    def load(self) -> tuple[int, Summary]:
        """The `end` up to which everything is in Kafka, and what became of it."""
        try:
            found = json.loads(self.path.read_bytes())
            if found.pop("check") != self._check(found):
                return 0, Summary()
            summary = Summary(**{name: found[name] for name in KEPT})
            summary.ignored.update(found["ignored"])
            summary.resumed = int(found["end"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return 0, Summary()
        return summary.resumed, summary

    def save(self, end: int, summary: Summary) -> None:
        """Everything up to `end` is in Kafka.

        Raises:
            Fault: it cannot be written.
        """
        document: dict[str, Any] = {"end": end, "ignored": summary.ignored}
        document |= {name: getattr(summary, name) for name in KEPT}
        # of another import of the same file that runs now it is another one
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps({**document, "check": self._check(document)}))
            beside.replace(self.path)
        except OSError as error:
            raise Fault(f"{self.path} cannot be written ({error.strerror}).") from None

    def remove(self) -> None:
        """The whole file is in Kafka."""
        self.path.unlink(missing_ok=True)

    def _check(self, document: Mapping[str, Any]) -> str:
        """Of what it is about and where it is: a damaged file is none, since a false one would leave events out."""
        text = json.dumps([self._key, document], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _print_of(path: Path) -> list[object]:
    """With the time of its last change: between its ends it may be another."""
    about = path.stat()
    size = about.st_size
    with path.open("rb") as file:
        head = file.read(ENDS)
        file.seek(max(0, size - ENDS))
        digest = hashlib.sha256(head + file.read(ENDS)).hexdigest()
    return [str(path.resolve()), size, about.st_mtime_ns, digest]


def import_source(
    source: Source,
    producer: ShopProducer | None,
    state: StateFile,
    complain: Complain,
    advance: Advance,
) -> Summary:
    """Sends the events of all documents; without `producer` they are only checked.

    1. Documents up to the saved position are skipped.
    2. Each other one is mapped, and all its events are checked before the first is sent.
    3. Every `SAVE_EVERY` documents Kafka has acknowledged everything, then the position is saved. A kill before that
       sends some events again, under the same ids, so they count once.

    Raises:
        NotDelivered: Kafka has not taken everything; the next attempt goes on from the saved position.
    """
    begun = time.monotonic()
    done, summary = (0, Summary(dry=True)) if producer is None else state.load()
    summary.noun = source.noun
    last: Sent | None = None
    for document in source.documents():
        if document.end <= done:
            continue
        last = _send(document, producer, summary, complain) or last
        summary.documents += 1
        advance(document.end, source.count)
        if producer is not None and summary.documents % SAVE_EVERY == 0:
            producer.flush()
            state.save(document.end, summary)
    if producer is not None:
        producer.flush()
        state.remove()
    if last is not None:
        with contextlib.suppress(NotDelivered):
            summary.last = str(last.place(0))
    summary.seconds = time.monotonic() - begun
    return summary


def _send(
    document: Document, producer: ShopProducer | None, summary: Summary, complain: Complain
) -> Sent | None:
    try:
        mapped = document.mapped()
        values = [encode(event) for event in mapped.events]
        for value in values:
            check(route(value))
    except RowFault as error:
        _refuse(error.row, str(error), summary, complain)
        return None
    except (Unmapped, NotJson) as error:
        _refuse(document.end, str(error), summary, complain)
        return None
    except InvalidEvent as error:
        _refuse(_row_of(document, error.field), str(error), summary, complain)
        return None
    if mapped.ignored is not None:
        known = mapped.ignored in summary.ignored or len(summary.ignored) < REASONS
        summary.ignored[mapped.ignored if known else "for other reasons"] += 1
    summary.events += len(values)
    if producer is None:
        return None
    sent = [producer.send(value, checked=False) for value in values]
    return sent[-1] if sent else None


def _refuse(row: int, rule: str, summary: Summary, complain: Complain) -> None:
    summary.refused += 1
    complain(row, rule)


def _row_of(document: Document, path: str | None) -> int:
    """The row of the line that is at fault, else the first of the order."""
    name, _, rest = (path or "").partition("[")
    at = rest.partition("]")[0]
    if name == "data.items" and at.isdigit() and int(at) < len(document.rows):
        return document.rows[int(at)]
    return document.rows[0]
