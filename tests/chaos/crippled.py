"""A pipeline worker without one of its safeguards, or with slow hands: python -m chaos.crippled WITHOUT SLOW.

WITHOUT is `marker`, `repeat`, `fence` or `nothing`. SLOW seconds pass between the steps of each batch, so that a
worker more often dies or freezes there; with all its safeguards it may be as slow as it likes.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from clickhouse.windows import MARKERS
from pipeline.fence import Fence
from pipeline.main import run
from pipeline.ownership import Ownership
from pipeline.recount_statements import RecountStatements
from pipeline.store import Store
from shopstream.cli.environment import load_beside_up


def without_marker() -> None:
    """A batch that is applied a second time counts a second time: its commit marker is not looked for."""
    for table, marker in MARKERS.items():
        MARKERS[table] = marker._replace(found="false")


def without_repeat() -> None:
    """A new owner, and a recount, leave the batches that others began as they are."""

    async def finished(*_: Any) -> bool:
        return True

    async def none(*_: Any) -> list[int]:
        return []

    Ownership._finish = finished  # type: ignore[method-assign]
    RecountStatements.open_batches = none  # type: ignore[method-assign]


def without_fence() -> None:
    """The claims are written and nobody heeds them."""
    Fence.params = lambda self: {"topics": [], "partitions": [], "claims": []}  # type: ignore[method-assign]


def slow(seconds: float) -> None:
    """Waits before the rows are stored, before they are applied, and before the mark."""

    def late(step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def waited(*given: Any) -> Any:
            await asyncio.sleep(seconds)
            return await step(*given)

        return waited

    for name in ("store", "apply", "mark"):
        setattr(Store, name, late(getattr(Store, name)))


SAFEGUARDS = {"marker": without_marker, "repeat": without_repeat, "fence": without_fence}

if __name__ == "__main__":
    missing, seconds = sys.argv[1], float(sys.argv[2])
    if missing in SAFEGUARDS:
        SAFEGUARDS[missing]()
    if seconds:
        slow(seconds)
    sys.exit(run(load_beside_up()))
