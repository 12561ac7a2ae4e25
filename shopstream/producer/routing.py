"""The rules of `contracts.routing` and of events, with what breaks them as `InvalidEvent`. Pure."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from shopstream.contracts import routing
from shopstream.contracts.events import read_event
from shopstream.contracts.reject import Refused
from shopstream.contracts.routing import Record
from shopstream.producer.errors import InvalidEvent


def route(value: bytes) -> Record:
    """The record of one event, to the topic of its type, whatever else is wrong with it.

    Raises:
        InvalidEvent: not JSON, not an object, or not a type that shops send.
    """
    with _named():
        return routing.route(value)


def check(record: Record) -> None:
    """Holds the record to every rule of the contract.

    Raises:
        InvalidEvent: with what the pipeline would refuse it for.
    """
    with _named():
        read_event(record.value, record.topic, int(time.time()))


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        refusal = error.refusal
        raise InvalidEvent(refusal.reason, refusal.field, refusal.message) from None
