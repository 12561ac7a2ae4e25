"""Reading one's own event: a report that waits until a place in Kafka is in it."""

import asyncio
from collections.abc import Awaitable, Callable

from api.faults import BadParameter, NotYet
from api.freshness.places import check_places
from api.freshness.progress import Place, ProgressBook
from api.freshness.topology import Look

WAIT_SECONDS = 5.0
LOOK_SECONDS = 1.0


async def wait_included(
    book: ProgressBook, places: list[Place], look: Callable[[], Awaitable[Look]]
) -> None:
    """Returns once every place is in the reports.

    The broker is asked first whether the places are of the present topics: an offset of a topic that was
    made again meanwhile must not be taken for one of its predecessor. Where it does not answer, what was
    last known of it has to do.

    Raises:
        BadParameter: a place cannot exist.
        NotYet: it is not there within `WAIT_SECONDS`.
    """
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await look()
    except TimeoutError:
        pass
    try:
        check_places(places, book.topology)
    except ValueError as error:
        raise BadParameter("includes", str(error)) from None
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await book.wait(places)
    except TimeoutError:
        raise NotYet(f"The place in includes was not reached within {WAIT_SECONDS:g} s.") from None
