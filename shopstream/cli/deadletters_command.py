"""The thin end of `shopstream deadletters`: tables, lines of JSON, sentences."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shopstream.cli.counted import counted
from shopstream.cli.deadletters import Reading, Retried, find, follow, retry
from shopstream.cli.deadletters_filter import DeadLetter, DeadLetterFilter
from shopstream.contracts.envelope import Headers
from shopstream.producer import ShopProducer
from shopstream.settings import Settings

WIDE = 180
"""Columns where standard output is not a terminal."""


def list_letters(
    settings: Settings, filters: DeadLetterFilter, limit: int, as_json: bool, following: bool
) -> None:
    """Prints the last `limit` of the matching dead letters; `following`, each that is written from then on, too.

    Raises:
        ProducerError: there is no topic of dead letters.
        BrokerUnreachable: no broker answers.
    """
    reading = Reading()
    later: Iterator[DeadLetter] = iter(())
    if following:
        letters, later = follow(settings, filters, limit, reading)
    else:
        letters = list(find(settings, filters, limit, reading))
    if as_json:
        for letter in chain(letters, later):
            sys.stdout.write(json_line(letter.document(), sys.stdout.encoding))
            sys.stdout.flush()
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    if letters:
        console.print(_table(letters))
    console.print(listed(len(letters), reading), soft_wrap=True)
    sys.stdout.flush()
    for letter in later:
        console.print(Text("  ").join(_cells(letter)), soft_wrap=True)
        sys.stdout.flush()


def json_line(document: dict[str, Any], encoding: str | None) -> str:
    """One line; with escapes where the output has no bytes for a character, as none has for half a surrogate pair."""
    text = json.dumps(document, ensure_ascii=False)
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document)
    return text + "\n"


def listed(shown: int, reading: Reading) -> str:
    """For people."""
    parts = [counted(reading.letters, "dead letter")]
    if reading.matched != reading.letters:
        verb = "matches" if reading.matched == 1 else "match"
        parts = [f"{reading.matched:,} of {parts[0]} {verb}"]
        if shown != reading.matched:
            parts.append(f"the last {shown:,} shown")
    elif shown != reading.matched:
        parts = [f"{shown:,} of {parts[0]}, the last ones"]
    if reading.strange:
        parts.append(f"{counted(reading.strange, 'other record')} passed over")
    return ", ".join(parts)


def retry_letters(
    settings: Settings, filters: DeadLetterFilter, limit: int | None, dry_run: bool
) -> str:
    """Sends what the matching dead letters (the last `limit` of them) are about; a sentence that says so.

    Raises:
        ProducerError: a topic is not there, or Kafka has not acknowledged a record.
        BrokerUnreachable: no broker answers.
    """
    reading = Reading()
    # the client that reads them would outlive a fault, and keep the process from its end
    with closing(find(settings, filters, limit, reading)) as letters:
        if dry_run:
            return retried(retry(letters, _nowhere), reading, dry_run)
        with ShopProducer(settings) as producer:
            done = retry(letters, producer.send_record)
    return retried(done, reading, dry_run)


def retried(done: Retried, reading: Reading, dry_run: bool) -> str:
    """For people: one line, and one for each reason why records cannot be sent."""
    verb = "would be sent" if dry_run else "sent again"
    of = counted(reading.letters, "dead letter")
    lines = [f"{counted(done.sent, 'record')} {verb}, of {of}"]
    if done.repeated:
        lines[0] += (
            f"; {done.repeated:,} more {'is' if done.repeated == 1 else 'are'} the same again"
        )
    for why, count in done.kept_back.most_common():
        lines.append(f"{count:,} cannot be sent ({why})")
    return "\n".join(lines)


def _nowhere(topic: str, value: bytes, key: bytes | None, headers: Headers) -> None:
    pass


def _table(letters: Iterable[DeadLetter]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("refused (UTC)", "record", "shop", "reason", "field", "message"):
        table.add_column(name, overflow="fold")
    for letter in letters:
        table.add_row(*_cells(letter))
    return table


def _cells(letter: DeadLetter) -> Iterator[Text]:
    yield Text(f"{letter.refused_at:%Y-%m-%d %H:%M:%S}")
    yield Text(letter.position)
    yield Text(_printable(letter.shop))
    yield Text(letter.reason)
    yield Text(_printable(letter.field))
    yield Text(_printable(letter.message))


def _printable(text: str | None) -> str:
    """Without what would command the terminal: a shop's name comes from a record that broke the rules."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text or "")
