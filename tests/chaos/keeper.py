"""Who keeps a system going while faults are injected: starts what ended, wakes what is frozen, listens."""

import time
from collections.abc import Callable

from chaos.alert_listener import AlertListener
from chaos.outbox import Outbox
from chaos.world import World
from support.processes import Child

EFFECT_SECONDS = 8.0
CALM_SECONDS = 900.0
PAUSE = 0.05


class Keeper:
    """Whatever is waited for here, the others are looked after meanwhile."""

    def __init__(self, world: World, outbox: Outbox, listener: AlertListener) -> None:
        self._world = world
        self._outbox = outbox
        self._listener = listener
        self._due: list[tuple[float, Child]] = []
        self._frozen: list[tuple[Callable[[], bool], Child]] = []
        self.ends = 0
        """Workers that ended by themselves and were started again."""

    @property
    def running(self) -> list[Child]:
        return [child for child in self._world.pipelines if child.running]

    @property
    def awake(self) -> list[Child]:
        frozen = [child for _, child in self._frozen]
        return [child for child in self.running if child not in frozen]

    def start_in(self, seconds: float, child: Child) -> None:
        self._due.append((time.monotonic() + seconds, child))

    def start_all(self) -> None:
        self._due.clear()
        for child in self._world.pipelines:
            if not child.running:
                child.start()

    def keep_frozen(self, child: Child, until: Callable[[], bool]) -> None:
        self._frozen.append((until, child))

    def wake_all(self) -> None:
        for _, child in self._frozen:
            child.wake()
        self._frozen.clear()

    def all_awake(self) -> bool:
        return not self._frozen

    def wait(self, seconds: float) -> None:
        self.until(lambda: False, seconds)

    def until(self, ready: Callable[[], bool], within: float) -> bool:
        """Whether it became so in time; services that are away for the moment count as not yet."""
        end = time.monotonic() + within
        while not (found := _asked(ready)) and time.monotonic() < end:
            self._tend()
            time.sleep(PAUSE)
        return found

    def until_effect(self) -> None:
        """Something is written, so that what is disturbed is at work; or all is."""
        self._listener.listen()
        before: list[int] = []

        def more() -> bool:
            before.append(self._world.marked())
            return before[-1] > before[0] or self._outbox.done()

        self.until(more, EFFECT_SECONDS)

    def ready(self) -> bool:
        for worker in self._world.pipelines:
            self._world.until_ready(worker, 0)
        return True

    def calm(self) -> None:
        """Everybody runs, everything is sent."""
        self.wake_all()
        self.start_all()
        self._outbox.hurry()
        assert self.until(self._outbox.done, CALM_SECONDS), "the outbox is not empty"

    def _tend(self) -> None:
        self.ends += len(self._world.revive())
        now = time.monotonic()
        for item in [one for one in self._due if one[0] <= now]:
            self._due.remove(item)
            item[1].start()
        for one in [one for one in self._frozen if _asked(one[0])]:
            one[1].wake()
            self._frozen.remove(one)
        self._world.weigh()


def _asked(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except (OSError, AssertionError):
        return False
