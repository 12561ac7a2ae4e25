"""The claims under which a worker's statements write, and the wait for those that run; see `ownership.py`."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shopstream.contracts.cursor import Partition

POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Fence:
    """Claims of partitions: a statement writes nothing once another worker has claimed one of them."""

    claims: dict[Partition, int]
    counted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Statuses whose orders count, of shops that have some of their own: as long as the claims are the greatest."""

    def params(self) -> dict[str, Any]:
        """Parameters `topics`, `partitions` and `claims` of the fence in the statements, alike in length."""
        return {**partition_params(self.claims), "claims": list(self.claims.values())}


async def wait_for_running_statements(running: Callable[[], Awaitable[set[str]]]) -> None:
    """Returns once every statement that runs now is over; `running` asks for their ids, as `Store.running`."""
    waited_for = await running()
    while waited_for:
        await asyncio.sleep(POLL_SECONDS)
        waited_for &= await running()


def partition_params(partitions: Iterable[Partition]) -> dict[str, Any]:
    """Parameters `topics` and `partitions` of statements, alike in length."""
    wanted = list(partitions)
    return {
        "topics": [one.topic for one in wanted],
        "partitions": [one.partition for one in wanted],
    }
