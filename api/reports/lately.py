"""A bounded memory of what was seen lately."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

REMEMBERED = 5000


class Lately(Generic[K, V]):
    """The latest value of each key; beyond `limit` keys the one that was put least recently goes."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """None where it was not seen, or long ago."""
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Remembers it."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._limit:
            self._values.popitem(last=False)
