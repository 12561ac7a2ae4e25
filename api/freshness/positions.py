"""The parameter `includes`: the text of a position in Kafka."""

import re

from api.freshness.topology import Topology
from api.freshness.tracker import RequiredPosition
from shopstream.contracts.cursor import BadCursor, Partition, decode
from shopstream.contracts.topics import BY_NAME, DEADLETTERS

_RULE = "must be topic:partition:offset or a cursor"
_NUMBER = re.compile(r"\d{1,19}", re.ASCII)
_OFFSET_LIMIT = 2**63


def read_positions(text: str) -> list[RequiredPosition]:
    """The positions in `topic:partition:offset` or in a cursor.

    Raises:
        ValueError: with the rule that the text breaks.
    """
    return [_triple(text)] if ":" in text else _cursor(text)


def check_positions(positions: list[RequiredPosition], topology: Topology | None) -> None:
    """Raises `ValueError` where a position cannot exist; nothing is checked while the topics are unknown."""
    for position in positions if topology is not None else ():
        state = (topology or {}).get(position.partition.topic)
        if state is None or position.partition.partition >= state.partitions:
            raise ValueError(f"names a partition that does not exist: {_name(position)}")
        if position.epoch is not None and position.epoch != state.epoch:
            raise ValueError(
                f"names a position that no longer exists: {_name(position)} was recreated"
            )


def _name(position: RequiredPosition) -> str:
    return f"{position.partition.topic}:{position.partition.partition}"


def _triple(text: str) -> RequiredPosition:
    topic, *numbers = text.split(":")
    if topic not in BY_NAME or topic == DEADLETTERS:
        raise ValueError(f"{_RULE}; there is no such topic here")
    if len(numbers) != 2 or not all(map(_NUMBER.fullmatch, numbers)):
        raise ValueError(f"{_RULE}; partition and offset are whole numbers from 0")
    partition, offset = map(int, numbers)
    if partition >= 2**31 or offset >= _OFFSET_LIMIT:
        raise ValueError(f"{_RULE}; a number in it is too large")
    return RequiredPosition(Partition(topic, partition), None, offset + 1)


def _cursor(text: str) -> list[RequiredPosition]:
    try:
        cursor = decode(text)
    except BadCursor:
        raise ValueError(_RULE) from None
    return [
        RequiredPosition(partition, position.epoch, position.next)
        for partition, position in cursor.items()
    ]
