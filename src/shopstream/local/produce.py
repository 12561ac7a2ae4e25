"""`shopstream produce`: lines of JSON to Kafka, paced by the clock, with a progress bar."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from shopstream.local.routing import Unroutable, as_it_is, route
from shopstream.local.sender import Sender

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
        parts = [f"{self.sent:,} events sent in {self.seconds:.1f} s ({rate:,.0f}/s)"]
        if self.refused:
            parts.append(f"{self.refused:,} lines not sent")
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
    sender: Sender,
    topic: str | None,
    complain: Callable[[int, str], None],
    advance: Callable[[int], None],
) -> Summary:
    """Sends every line and waits for the last acknowledgement.

    Without `topic` each goes to the topic of its type, blank lines are passed over, and
    `complain(line number, reason)` hears of each that has none; with it each goes as it is.
    `advance(bytes)` is told after each line.

    Raises:
        NoSuchTopic, BrokerUnreachable: from the sender.
    """
    begun = time.monotonic()
    summary = Summary()
    for number, line in enumerate(lines, 1):
        text = line.rstrip(b"\r\n")
        if topic is not None:
            sender.send(as_it_is(text, topic))
        elif text.strip():
            try:
                sender.send(route(text))
            except Unroutable as error:
                summary.refused += 1
                complain(number, str(error))
        advance(len(line))
    sender.flush()
    summary.sent, summary.failed, summary.failure = sender.sent, sender.failed, sender.failure
    summary.seconds, summary.last = time.monotonic() - begun, sender.last
    return summary
