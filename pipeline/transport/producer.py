"""Faust's producer with a flush that ends while the app stops."""

from __future__ import annotations

from typing import Any

from faust.transport.drivers import aiokafka as _driver

from .bounded import ends_within

FLUSH_SECONDS = 5.0


class BoundedProducer(_driver.Producer):  # type: ignore[misc]
    """While the app runs a flush waits for the broker; while it stops, `FLUSH_SECONDS`.

    Nothing is lost by giving up: what a message stands for is not acknowledged before it is sent.
    """

    async def flush(self) -> None:
        """Wait until all messages are sent."""
        await self._bounded("flush", super().flush())

    async def on_stop(self) -> None:
        """Stop, sending what waits."""
        await self._bounded("stop", super().on_stop())

    async def _bounded(self, what: str, work: Any) -> None:
        if not self.app.should_stop:
            await work
        elif not await ends_within(FLUSH_SECONDS, work):
            self.log.warning("Producer %s gave up after %ss", what, FLUSH_SECONDS)
