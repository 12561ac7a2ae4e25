"""What a worker has fetched of all partitions, and not read to its end: bounded in all.

Each partition may have 4 MiB, so that a chunk has as many records as it may, and a flood of batches that are hardly
compressed would be as many times that as there are partitions.
"""

from typing import Any

from aiokafka import TopicPartition

from shopstream.bounded_aiokafka import fetched_bytes, let_go
from shopstream.fetch_protocol import Offsets

FETCHED_BYTES = 64 * 1024 * 1024
"""From half of it on only partitions are fetched that are read on; beyond it what there is of the others is dropped,
and each response has one batch or `SHORT_BYTES`. Nothing is fetched beyond twice as much."""
RESPONSE_BYTES, SHORT_BYTES = 16 * 1024 * 1024, 1024 * 1024
"""Of all partitions at one broker."""


class FetchedBytes:
    """Bounds the fetches of an aiokafka fetcher that `bound_aiokafka` has changed."""

    def __init__(self, fetcher: Any) -> None:
        self._fetcher = fetcher
        self._asked: dict[int, int] = {}

    def bound(self, node: int, offsets: Offsets) -> tuple[Offsets, int]:
        """What of these partitions may be fetched at a broker now, none where too much is held, and how many bytes;
        `answered` follows unless it is none."""
        held = fetched_bytes(self._fetcher) + sum(self._asked.values())
        if held >= FETCHED_BYTES:
            let_go(self._fetcher)
        if held >= 2 * FETCHED_BYTES:
            return {}, 0
        if held >= FETCHED_BYTES // 2:
            offsets = {tp: at for tp, at in offsets.items() if self._is_wanted(tp)}
        most = min(RESPONSE_BYTES, max(SHORT_BYTES, FETCHED_BYTES - held))
        if offsets:
            self._asked[node] = most
        return offsets, most

    def answered(self, node: int) -> None:
        """The response has come, or none will."""
        self._asked.pop(node, None)

    def _is_wanted(self, tp: TopicPartition) -> bool:
        return not self._fetcher.wanted or tp in self._fetcher.wanted
