"""`shopstream produce`: lines of JSON to Kafka, paced by the clock, with a progress bar."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from shopstream.cli.counted import counted
from shopstream.cli.wrong_file import Complaints
from shopstream.contracts.reject import Reason
from shopstream.contracts.routing import as_it_is
from shopstream.faults import Fault
from shopstream.producer import InvalidEvent, NotDelivered, Sent, ShopProducer

Clock = Callable[[], float]
Sleep = Callable[[float], None]


MAX_LINE = 4 * 1024 * 1024
"""Bytes of a line that are taken into memory: more than the client sends."""
MOST_FAULTS = 20
"""Lines that break a rule, after which the rest of a checked file is not read: its writer has one fault to find."""


@dataclass(slots=True)
class Summary:
    """`sent` lines were handed to Kafka, `refused` ones were not; `stopped` at this line; `seconds` it took."""

    sent: int = 0
    refused: int = 0
    stopped: int | None = None
    failed: int = 0
    failure: str = ""
    seconds: float = 0.0
    last: str | None = None

    def sentence(self) -> str:
        rate = self.sent / self.seconds if self.seconds else 0.0
        parts = [f"{counted(self.sent, 'event')} sent in {self.seconds:.1f} s ({rate:,.0f}/s)"]
        if self.refused:
            parts.append(f"{counted(self.refused, 'line')} not sent")
        if self.stopped:
            parts.append(f"stopped at line {self.stopped:,}")
        if self.failed:
            parts.append(f"{self.failed:,} not acknowledged ({self.failure})")
        return ", ".join(parts)


def bounded_lines(file: BinaryIO, name: str = "-") -> Iterator[bytes]:
    """The lines of a file; of one that has more than `MAX_LINE` bytes only these, without its end.

    Raises:
        Fault: the file `name` can be read no further.
    """
    try:
        while line := file.readline(MAX_LINE):
            yield line
            while len(line) == MAX_LINE and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE)
    except OSError as error:
        shown = "Standard input" if name == "-" else name
        raise Fault(f"{shown} cannot be read to its end ({error.strerror}).") from None


def paced(
    lines: Iterable[bytes],
    rate: float | None,
    clock: Clock = time.monotonic,
    sleep: Sleep = time.sleep,
) -> Iterator[bytes]:
    """Passes `lines` on, the n-th not before n / `rate` seconds; late ones catch up."""
    begun = clock()
    for number, line in enumerate(lines):
        ahead = begun + number / rate - clock() if rate else 0.0
        if ahead > 0:
            sleep(ahead)
        yield line


def produce(
    lines: Iterable[bytes],
    producer: ShopProducer,
    topic: str | None,
    complain: Callable[[int, str], None],
    advance: Callable[[int], None],
    name: str = "-",
    *,
    checked: bool = True,
) -> Summary:
    """Sends every line, and waits for the last acknowledgement.

    Without `topic` each goes to the topic of its type, blank lines are passed over, and
    `complain(line number, reason)` hears of each that breaks a rule of the contract, or unless `checked` has no topic;
    after `MOST_FAULTS` that break a rule it stops. With `topic` each goes as it is.
    `advance(bytes)` is told after each line. `name` is that of the file.

    Raises:
        WrongFile: none of the first lines that are not blank, or of all where there are fewer, is an event.
        NoSuchTopic, NotDelivered, BrokerUnreachable: from the producer; the rest is not sent.
    """
    begun = time.monotonic()
    summary = Summary()
    last: Sent | None = None
    complaints = Complaints(name, complain)
    for number, line in enumerate(lines, 1):
        text = line.rstrip(b"\r\n")
        if topic is not None or text.strip():
            try:
                _require_whole(line)
                last = _send(producer, text, topic, checked)
                summary.sent += 1
                complaints.sent()
            except InvalidEvent as error:
                summary.refused += 1
                if error.reason in OF_A_FIELD:
                    complaints.sent()  # the file is one of events
                complaints.refused(number, text, str(error))
        advance(len(line))
        if checked and summary.refused == MOST_FAULTS:
            summary.stopped = number
            break
    complaints.end()
    _finish(producer, last, summary)
    summary.seconds = time.monotonic() - begun
    return summary


OF_A_FIELD = frozenset({Reason.MISSING_FIELD, Reason.BAD_VALUE})


def _require_whole(line: bytes) -> None:
    if len(line) >= MAX_LINE and not line.endswith(b"\n"):
        raise InvalidEvent(Reason.TOO_LARGE, None, f"the line has {MAX_LINE:,} bytes or more")


def _send(producer: ShopProducer, line: bytes, topic: str | None, checked: bool) -> Sent:
    if topic is None:
        return producer.send(line, checked=checked)
    record = as_it_is(line, topic)
    return producer.send_record(record.topic, record.value, record.key)


def _finish(producer: ShopProducer, last: Sent | None, summary: Summary) -> None:
    try:
        producer.flush()
    except NotDelivered as error:
        summary.failed, summary.failure = error.count, error.why
    if last is not None:
        with contextlib.suppress(NotDelivered):
            summary.last = str(last.place(0))
