"""Does what a plan says, one deed after the other, while the shops go on."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaException

from chaos.ears import Ears
from chaos.outbox import Outbox
from chaos.plan import Deed, Plan
from chaos.world import SESSION_SECONDS, World
from shopstream.contracts.topics import INPUTS
from support.processes import Child
from support.system import GROUP
from support.waiting import TooLate, eventually

FREEZES = 12
ENDS = 5
EFFECT_SECONDS = 20.0
CALM_SECONDS = 900.0
HELD_SECONDS = 1.0
"""What a frozen worker has begun is open for so long at least."""


class Storm:
    """`kills` by process; `caught` counts the frozen workers that were in mid-flush."""

    def __init__(self, world: World, plan: Plan, outbox: Outbox, ears: Ears) -> None:
        self._world = world
        self.plan = plan
        self._outbox = outbox
        self._ears = ears
        self._chance = random.Random(plan.seed)
        self._due: list[tuple[float, Child]] = []
        self._frozen: list[tuple[Callable[[], bool], Child]] = []
        self.kills: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.caught = 0
        self.ends = 0
        """Workers that ended by themselves and were started again."""
        self.broker_since = time.time()

    def run(self, told: Callable[[str], None]) -> None:
        deeds = self.plan.deeds()
        for number, deed in enumerate(deeds, 1):
            self._outbox.let(number / len(deeds))
            if self._chance.random() >= self.plan.rush:
                self._until_effect()
                self._wait(self._chance.random() * self.plan.pause)
            told(f"{number}/{len(deeds)} {deed}")
            self._do(deed)
            self.done[deed] += 1
        self._calm()

    def _do(self, deed: Deed) -> None:
        if deed == "pipeline":
            self._kill_worker()
        elif deed == "engine":
            self._kill("engine", self._world.engine)
            self._wait(self._chance.random() * 1.5)
            self._world.start_engine()
        elif deed == "broker":
            self._kill_broker()
        elif deed == "freeze":
            self._freeze()
        else:
            self._read_again(self._places(deed))

    # -- kills ---------------------------------------------------------------------------------

    def _kill(self, name: str, child: Child) -> None:
        self._world.weigh()
        child.kill()
        self.kills[name] += 1

    def _kill_worker(self) -> None:
        """It comes back soon, or after another has taken its partitions."""
        awake = [w for w in self._running() if w not in [child for _, child in self._frozen]]
        if not awake:
            self._start_all()
            awake = self._running()
        victim = self._chance.choice(awake)
        self._kill("pipeline", victim)
        long = SESSION_SECONDS * 1.5 if self._chance.random() < 0.3 else 0.5
        self._due.append((time.monotonic() + self._chance.random() * long, victim))

    def _kill_broker(self) -> None:
        """What was said is heard first, as far as it can be."""
        self._ears.listen()
        self._outbox.note_committed()
        self._kill("broker", self._world.broker)
        self._outbox.lose_broker()
        self._ears.start_over()
        self._wait(self._chance.random())
        self.broker_since = time.time()
        self._world.start_broker()
        self._outbox.find_broker()

    # -- frozen workers ------------------------------------------------------------------------

    def _freeze(self) -> None:
        """In mid-flush where that can be had; it wakes as its batch is finished, or long after."""
        self._wake_all()
        for _ in range(FREEZES):
            self._until_effect()
            victim = self._chance.choice(self._running())
            self._wait(self._chance.random() * 0.3)
            victim.freeze()
            began = time.monotonic()
            held = self._world.open_batches()
            while held and time.monotonic() < began + HELD_SECONDS:
                held &= self._world.open_batches()
            if held:
                self.caught += 1
                break
            if _ != FREEZES - 1:
                victim.wake()
        late = began + SESSION_SECONDS * (1.5 + self._chance.random())
        if self._chance.random() < 0.5 or self.plan.without == "fence":
            wakes = lambda: not held & self._world.open_batches()  # noqa: E731
        else:
            wakes = lambda: time.monotonic() > late  # noqa: E731
        self._frozen.append((wakes, victim))
        self._until(lambda: not self._frozen, SESSION_SECONDS + 20)
        self._wake_all()

    def _wake_all(self) -> None:
        for _, child in self._frozen:
            child.wake()
        self._frozen.clear()

    # -- read again ----------------------------------------------------------------------------

    def _places(self, deed: Deed) -> list[tuple[str, int]]:
        places = sorted(self._world.ends)
        if deed == "rewind":
            return [self._chance.choice(places)]
        topic = self._chance.choice(INPUTS)
        return [place for place in places if place[0] == topic]

    def _read_again(self, places: Sequence[tuple[str, int]]) -> None:
        """Needs a group without members; a worker that ends in the middle of a rebalance stays one until
        the next comes."""
        self._wake_all()
        for _ in range(ENDS):
            self._start_all()
            self._until(self._ready, EFFECT_SECONDS)
            for worker in self._running():
                self._world.weigh()
                worker.stop(40)
            try:
                eventually(lambda: self._rewound(places), SESSION_SECONDS * 2, pause=0.5)
                break
            except TooLate:
                continue
        else:
            raise AssertionError("never a group without members")
        self._start_all()

    def _ready(self) -> bool:
        for worker in self._world.pipelines:
            self._world.until_ready(worker, 0)
        return True

    def _rewound(self, places: Sequence[tuple[str, int]]) -> bool:
        try:
            self._world.kafka.rewind(GROUP, places)
        except KafkaException as error:
            raise OSError(str(error)) from error
        return True

    # -- what goes on meanwhile ----------------------------------------------------------------

    def _running(self) -> list[Child]:
        return [child for child in self._world.pipelines if child.running]

    def _start_all(self) -> None:
        self._due.clear()
        for child in self._world.pipelines:
            if not child.running:
                child.start()

    def _tend(self) -> None:
        self.ends += len(self._world.revive())
        now = time.monotonic()
        for item in [one for one in self._due if one[0] <= now]:
            self._due.remove(item)
            item[1].start()
        for one in list(self._frozen):
            if _asked(one[0]):
                one[1].wake()
                self._frozen.remove(one)
        self._world.weigh()

    def _wait(self, seconds: float) -> None:
        self._until(lambda: False, seconds)

    def _until(self, ready: Callable[[], bool], within: float) -> bool:
        end = time.monotonic() + within
        while not (found := _asked(ready)) and time.monotonic() < end:
            self._tend()
            time.sleep(0.05)
        return found

    def _until_effect(self) -> None:
        """Something is written, so that what is disturbed is at work; or all is."""
        self._ears.listen()
        before: list[int] = []

        def more() -> bool:
            count = self._world.marked()
            before.append(count)
            return count > before[0] or self._outbox.done()

        self._until(more, EFFECT_SECONDS)

    def _calm(self) -> None:
        """Everybody runs, everything is sent."""
        self._wake_all()
        self._start_all()
        self._outbox.hurry()
        assert self._until(self._outbox.done, CALM_SECONDS), "the outbox is not empty"


def _asked(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except (OSError, AssertionError):
        return False  # the engine or the broker is away for the moment
