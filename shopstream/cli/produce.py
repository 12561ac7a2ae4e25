"""`shopstream produce`: lines of JSON to Kafka, paced by the clock, with a progress bar."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from shopstream.cli.counted import counted
from shopstream.cli.wrong_file import Complaints
from shopstream.producer import InvalidEvent, NotDelivered, Sent, ShopProducer
from shopstream.producer.routing import as_it_is

Clock = Callable[[], float]
Sleep = Callable[[float], None]


@dataclass(slots=True)
class Summary:
    """`sent` lines were handed to Kafka, `refused` ones were not; `seconds` it took."""

    sent: int = 0
    refused: int = 0
    failed: int = 0
    failure: str = ""
    seconds: float = 0.0
    last: str | None = None

    def sentence(self) -> str:
        """For people."""
        rate = self.sent / self.seconds if self.seconds else 0.0
        parts = [f"{counted(self.sent, 'event')} sent in {self.seconds:.1f} s ({rate:,.0f}/s)"]
        if self.refused:
            parts.append(f"{counted(self.refused, 'line')} not sent")
        if self.failed:
            parts.append(f"{self.failed:,} not acknowledged ({self.failure})")
        return ", ".join(parts)


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
) -> Summary:
    """Sends every line, unchecked, and waits for the last acknowledgement.

    Without `topic` each goes to the topic of its type, blank lines are passed over, and
    `complain(line number, reason)` hears of each that has none; with it each goes as it is.
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
                last = _send(producer, text, topic)
                summary.sent += 1
                complaints.sent()
            except InvalidEvent as error:
                summary.refused += 1
                complaints.refused(number, text, str(error))
        advance(len(line))
    complaints.end()
    _finish(producer, last, summary)
    summary.seconds = time.monotonic() - begun
    return summary


def _send(producer: ShopProducer, line: bytes, topic: str | None) -> Sent:
    if topic is None:
        return producer.send(line, checked=False)
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
