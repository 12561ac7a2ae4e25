"""What was refused: found again, and sent again. No terminal here."""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile

from shopstream.cli.deadletters_filter import DeadLetter, DeadLetterFilter, read_dead_letter
from shopstream.cli.topic_reader import read_topic
from shopstream.contracts.envelope import Headers
from shopstream.contracts.topics import DEADLETTERS, INPUTS
from shopstream.settings import Settings

Send = Callable[[str, bytes, bytes | None, Headers], object]
"""Takes topic, value, key and headers."""


@dataclass(slots=True)
class Reading:
    """What was met on the way: dead letters (each once), those that matched, records that are none."""

    letters: int = 0
    matched: int = 0
    strange: int = 0
    seen: set[bytes] = field(default_factory=set, repr=False, compare=False)


@dataclass(slots=True)
class Retried:
    """Records that were sent, that equal one sent before, and that cannot be sent, by why."""

    sent: int = 0
    repeated: int = 0
    kept_back: Counter[str] = field(default_factory=Counter)


def find(
    settings: Settings, filters: DeadLetterFilter, limit: int | None, reading: Reading
) -> Generator[DeadLetter, None, None]:
    """The matching letters in the order in which they were written, or the last `limit` of them.

    Raises:
        NoSuchTopic, BrokerUnreachable: while it is iterated.
    """
    found = matching(read_topic(settings, DEADLETTERS), filters, reading)
    yield from found if limit is None else deque(found, limit)


def follow(
    settings: Settings, filters: DeadLetterFilter, limit: int, reading: Reading
) -> tuple[list[DeadLetter], Iterator[DeadLetter]]:
    """The last `limit` of the matching letters that are there, and then, without end, each that is written.

    Raises:
        NoSuchTopic, BrokerUnreachable: as `find`.
    """
    records = read_topic(settings, DEADLETTERS, follow=True)
    there = takewhile(lambda record: record is not None, records)
    return list(deque(matching(there, filters, reading), limit)), matching(
        records, filters, reading
    )


def matching(
    records: Iterable[object], filters: DeadLetterFilter, reading: Reading
) -> Iterator[DeadLetter]:
    """The matching letters among `records`. One that was written twice, after a crash, counts once."""
    for record in records:
        value, refused_ms = record.value, record.timestamp  # type: ignore[attr-defined]
        try:
            letter = read_dead_letter(value, refused_ms)
        except ValueError:
            reading.strange += 1
            continue
        if _is_new(reading.seen, value):
            reading.letters += 1
            if filters.admits(letter):
                reading.matched += 1
                yield letter


def retry(letters: Iterable[DeadLetter], send: Send) -> Retried:
    """Sends the original bytes to their original topics, each distinct record once, in the given order."""
    done = Retried()
    seen: set[bytes] = set()
    for letter in letters:
        if why := hindrance(letter):
            done.kept_back[why] += 1
        elif not _is_new(seen, letter.topic.encode(), letter.key, letter.value, *_flat(letter)):
            done.repeated += 1
        else:
            send(letter.topic, letter.value or b"", letter.key, letter.headers)
            done.sent += 1
    return done


def hindrance(letter: DeadLetter) -> str | None:
    """Why the record cannot be sent again; None where it can."""
    if letter.topic not in INPUTS:
        return f"{letter.topic} is not a topic that shops write"
    if letter.size == 0:
        return "the record had no bytes"
    if letter.value is None:
        return f"{letter.reason}: its bytes were not kept"
    return None


def _flat(letter: DeadLetter) -> Iterator[bytes | None]:
    for name, value in letter.headers:
        yield name.encode(errors="replace")
        yield value


def _is_new(seen: set[bytes], *parts: bytes | None) -> bool:
    """A digest stands for what may be half a megabyte; lengths keep the parts apart."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"-" if part is None else b"%d:" % len(part) + part)
    mark = digest.digest()
    if mark in seen:
        return False
    seen.add(mark)
    return True
