"""Waits out a dependency that is down: one clear line, longer and longer pauses, and on it goes."""

import asyncio
import logging

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
QUIET_SECONDS = 10.0


class Patience:
    """Counts the failures in a row of one dependency, and paces the tries. Seconds throughout."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._pause = FIRST_PAUSE
        self._said = -QUIET_SECONDS
        self.pauses = 0
        """Tries that failed since the process started."""
        self.trouble: str | None = None
        """Why the dependency does not serve now, or None."""

    async def pause(self, error: Exception) -> None:
        """Sleeps before the next try; says why at most every `QUIET_SECONDS`."""
        now = asyncio.get_running_loop().time()
        self.trouble = str(error)
        self.pauses += 1
        if now - self._said >= QUIET_SECONDS:
            self._said = now
            logger.warning(
                "%s: %s; nothing is lost, trying again in %.1f s", self._what, error, self._pause
            )
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def well(self) -> None:
        """The dependency serves."""
        if self.trouble is not None:
            logger.info("%s: well again", self._what)
        self.trouble = None
        self._pause = FIRST_PAUSE
        self._said = -QUIET_SECONDS
