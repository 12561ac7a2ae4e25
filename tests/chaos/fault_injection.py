"""Does what a plan says, one action after the other, while the shops go on."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaException

from chaos.alert_listener import AlertListener
from chaos.keeper import Keeper
from chaos.outbox import Outbox
from chaos.plan import Action, Plan
from chaos.world import SESSION_SECONDS, World
from shopstream.contracts.topics import INPUTS
from support.processes import Child
from support.system import GROUP
from support.waiting import TooLate, eventually

FREEZES = 12
ENDS = 5
READY_SECONDS = 10.0
HELD_SECONDS = 1.0
"""What a frozen worker has begun is open for so long at least."""


class FaultInjection:
    """`kills` by process; `caught` counts the frozen workers that were in mid-flush."""

    def __init__(self, world: World, plan: Plan, outbox: Outbox, listener: AlertListener) -> None:
        self._world = world
        self.plan = plan
        self._outbox = outbox
        self.keeper = Keeper(world, outbox, listener)
        self._chance = random.Random(plan.seed)
        self.kills: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.caught = 0

    def run(self, told: Callable[[str], None]) -> None:
        actions = self.plan.actions()
        for number, action in enumerate(actions, 1):
            self._outbox.let(number / len(actions))
            if self._chance.random() >= self.plan.rush:
                self.keeper.until_effect()
                self.keeper.wait(self._chance.random() * self.plan.pause)
            told(f"{number}/{len(actions)} {action}")
            self._do(action)
            self.done[action] += 1
        self.keeper.calm()

    def _do(self, action: Action) -> None:
        if action == "pipeline":
            self._kill_worker()
        elif action == "engine":
            self._kill("engine", self._world.engine)
            self.keeper.wait(self._chance.random() * 1.5)
            self._world.start_engine()
        elif action == "broker":
            self._kill_broker()
        elif action == "freeze":
            self._freeze()
        else:
            self._read_again(self._partitions(action))

    # -- kills ---------------------------------------------------------------------------------

    def _kill(self, name: str, child: Child) -> None:
        self._world.weigh()
        child.kill()
        self.kills[name] += 1

    def _kill_worker(self) -> None:
        """It comes back soon, or after another has taken its partitions."""
        victim = self._someone()
        self._kill("pipeline", victim)
        long = SESSION_SECONDS * 1.5 if self._chance.random() < 0.3 else 0.5
        self.keeper.start_in(self._chance.random() * long, victim)

    def _someone(self) -> Child:
        if not self.keeper.awake:
            self.keeper.start_all()
        return self._chance.choice(self.keeper.awake)

    def _kill_broker(self) -> None:
        """The shops go on meanwhile."""
        self._kill("broker", self._world.broker)
        self.keeper.wait(self._chance.random())
        self._world.start_broker()

    # -- frozen workers ------------------------------------------------------------------------

    def _freeze(self) -> None:
        """In mid-flush where that can be had; it wakes as its batch is finished, or long after."""
        self.keeper.wake_all()
        for attempt in range(FREEZES):
            self._outbox.let_some()
            self.keeper.until_effect()
            self.keeper.wait(self._chance.random() * 0.3)
            victim = self._someone()
            victim.freeze()
            began = time.monotonic()
            held = self._world.open_batches()
            while held and time.monotonic() < began + HELD_SECONDS:
                held &= self._world.open_batches()
            if held:
                self.caught += 1
                break
            if attempt != FREEZES - 1:
                victim.wake()
        late = began + SESSION_SECONDS * (1.5 + self._chance.random())
        if self._chance.random() < 0.5 or self.plan.without == "fence":
            self.keeper.keep_frozen(victim, lambda: not held & self._world.open_batches())
        else:
            self.keeper.keep_frozen(victim, lambda: time.monotonic() > late)
        self.keeper.until(self.keeper.all_awake, SESSION_SECONDS + 20)
        self.keeper.wake_all()

    # -- read again ----------------------------------------------------------------------------

    def _partitions(self, action: Action) -> list[tuple[str, int]]:
        places = sorted(self._world.ends)
        if action == "rewind":
            return [self._chance.choice(places)]
        topic, other = self._chance.choice(INPUTS), self._chance.choice(places)
        return [place for place in places if place[0] == topic or place == other]

    def _read_again(self, places: Sequence[tuple[str, int]]) -> None:
        """Needs a group without members; a worker that ends in the middle of a rebalance stays one until
        the next comes."""
        self.keeper.wake_all()
        for _ in range(ENDS):
            self.keeper.start_all()
            self.keeper.until(self.keeper.ready, READY_SECONDS)
            for worker in self.keeper.running:
                self._world.weigh()
                worker.stop(40)
            try:
                eventually(lambda: self._rewound(places), SESSION_SECONDS * 2, pause=0.5)
                break
            except TooLate:
                continue
        else:
            raise AssertionError("never a group without members")
        self.keeper.start_all()

    def _rewound(self, places: Sequence[tuple[str, int]]) -> bool:
        try:
            self._world.kafka.rewind(GROUP, places)
        except KafkaException as error:
            raise OSError(str(error)) from error
        return True
