"""What can go wrong on the way to Kafka, beside `shopstream.broker.BrokerUnreachable`."""

from shopstream.contracts.reject import Reason
from shopstream.faults import Fault


class ProducerError(Fault):
    """Something was not sent; `str()` is a sentence."""


class InvalidEvent(ProducerError, ValueError):
    """The event breaks a rule of the contract, and was not sent.

    `reason` is the one with which the pipeline would refuse it, `field` a path such as
    `data.items[2].quantity` (None: the event as a whole), `rule` a sentence.
    """

    def __init__(self, reason: Reason, field: str | None, rule: str) -> None:
        super().__init__(rule)
        self.reason = reason
        self.field = field
        self.rule = rule


class NotDelivered(ProducerError):
    """Kafka has not acknowledged `count` records; `why` is what the last of them met.

    One whose acknowledgement was lost may be in Kafka all the same. Sending the same event (with the
    same id) again changes no number.
    """

    def __init__(self, count: int, why: str) -> None:
        noun = "record" if count == 1 else "records"
        super().__init__(f"Kafka has not acknowledged {count:,} {noun} ({why}).")
        self.count = count
        self.why = why


class NoSuchTopic(ProducerError):
    """The broker has no topic of this name; `str()` says what to do."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"The topic {topic} does not exist: `shopstream migrate` creates ours.")
        self.topic = topic
