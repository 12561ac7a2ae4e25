"""A dictionary of bounded length."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ENTRIES = 5000


class LruCache(Generic[K, V]):
    """The latest value of each key; beyond `limit` keys the one that was put least recently is dropped."""

    def __init__(self, limit: int = ENTRIES) -> None:
        self._limit = limit
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """None where the key was never put, or was dropped."""
        return self._values.get(key)

    def __len__(self) -> int:
        return len(self._values)

    def put(self, key: K, value: V) -> None:
        """Sets the value and makes the key the latest."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._limit:
            self._values.popitem(last=False)
