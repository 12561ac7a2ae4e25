"""What goes wrong in a run, and when: drawn from a seed."""

import random
from dataclasses import dataclass, replace
from typing import Any, Literal

Action = Literal["pipeline", "engine", "broker", "freeze", "rewind", "replay"]
"""kill -9 of one of the three; a worker frozen and woken; one partition, or a whole topic and one of
another, read again."""
SHARES: dict[Action, int] = {"pipeline": 65, "engine": 22, "broker": 13}


@dataclass(frozen=True)
class Plan:
    """`events` is about how many distinct ones; `rate` how many a second are sent at most.

    `pause`: seconds at most from something being written to the next action; a share of the actions, `rush`, comes
    right after the one before. `without` and `slow`: see `crippled`. `audit`: seconds between audits, 0 for none.
    """

    seed: int = 1
    events: int = 4000
    shops: int = 4
    kills: int = 12
    freezes: int = 1
    rewinds: int = 1
    replays: int = 1
    workers: int = 2
    rate: float = 1500.0
    pause: float = 0.4
    rush: float = 0.3
    bad: float = 0.02
    repeats: float = 0.15
    audit: float = 5.0
    without: str = ""
    slow: float = 0.0
    shares: tuple[tuple[Action, int], ...] = tuple(SHARES.items())
    every: int = 1
    """Every how many daily reports are asked for at the end."""

    def but(self, **changes: Any) -> "Plan":
        return replace(self, **changes)

    def actions(self) -> list[Action]:
        """In the order in which they are done; exactly these shares of the kills."""
        chance = random.Random(self.seed)
        whole = sum(share for _, share in self.shares)
        counts = {action: self.kills * share // whole for action, share in self.shares}
        counts[self.shares[0][0]] += self.kills - sum(counts.values())
        counts |= {"freeze": self.freezes, "rewind": self.rewinds, "replay": self.replays}
        actions = [action for action, count in counts.items() for _ in range(count)]
        chance.shuffle(actions)
        return actions
