"""One run of chaos, from an empty system to the verdict."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.alert_listener import AlertListener
from chaos.fault_injection import FaultInjection
from chaos.outbox import Outbox
from chaos.plan import Plan
from chaos.repair import repair
from chaos.verdict import SETTLED_SECONDS, Verdict, judge, repairs
from chaos.world import World
from support.events import Sent, level
from support.load import mixed, openings
from support.recounts import until_recounted
from support.scene import Scene
from support.spoiled import WAYS

Tell = Callable[[str], None]
MOVED = b'-moved"'


@dataclass
class Run:
    """What was done and what came of it."""

    plan: Plan
    verdict: Verdict
    kills: dict[str, int]
    done: dict[str, int]
    caught: int
    ends: int
    sent: int
    refused: dict[str, int]
    seconds: float
    catch_up: float
    peak: int
    together: int
    left: list[str] | None = None
    """Differences of tables after the audit, where a safeguard was switched off."""

    def row(self) -> dict[str, Any]:
        """A line of a table."""
        return {
            "seed": self.plan.seed,
            "without": self.plan.without or "-",
            **{
                f"{name} kills": self.kills.get(name, 0)
                for name in ("pipeline", "engine", "broker")
            },
            "freezes": f"{self.done.get('freeze', 0)} ({self.caught} in mid-flush)",
            "rewinds": self.done.get("rewind", 0),
            "replays": self.done.get("replay", 0),
            "records": self.sent,
            "repairs": sum(self.verdict.repairs.values()),
            "differences": self.verdict.count,
            **({} if self.left is None else {"left by the audit": len(self.left)}),
            "seconds": round(self.seconds),
            "peak MiB": self.peak,
        }


def records(plan: Plan) -> list[Sent]:
    """What the shops will send, their openings aside; every reason to refuse a record is among them.

    Where a safeguard is missing no order is moved: which of two arrived first is decided once, and no audit
    can decide it again.
    """
    load = mixed(
        plan.seed,
        plan.events,
        plan.shops,
        bad=plan.bad,
        repeats=plan.repeats,
        opened=True,
        chooses=True,
    )
    chance = random.Random(plan.seed)
    for way in WAYS:
        event = level("mixed-0", "bad", 1, event_id=f"bad-{way.__name__}")
        load.insert(chance.randrange(len(load)), way(chance, event))
    return [sent for sent in load if not (plan.without and MOVED in (sent.value or b""))]


def chaos(plan: Plan, folder: Path, told: Tell = lambda text: None) -> Run:
    """Raises AssertionError where the system does not come to rest."""
    began = time.monotonic()
    with World(folder, plan).start(plan.workers) as world:
        scene, listener = Scene(world), AlertListener(world)
        scene.send(openings(plan.shops, chooses=True))
        world.settle(60, revive=True)
        load = records(plan)
        outbox = Outbox(scene, load, plan.rate)
        injection = FaultInjection(world, plan, outbox, listener)
        try:
            injection.run(told)
        finally:
            outbox.close()
        told("calm")
        calm = time.monotonic()
        world.settle(SETTLED_SECONDS, revive=True)
        until_recounted(world)
        world.weigh()
        catch_up = time.monotonic() - calm
        told(f"all in after {catch_up:.0f} s")
        verdict = judge(world, scene, injection, listener)
        left = None
        if plan.without:
            told(f"{verdict.count} differences; now the audit")
            left = repair(world, scene)
            verdict.repairs = repairs(world)
        reasons = Counter(refusal.reason for refusal in outbox.refused)
        return Run(
            plan,
            verdict,
            dict(injection.kills),
            dict(injection.done),
            injection.caught,
            injection.keeper.ends,
            len(load),
            dict(sorted(reasons.items())),
            time.monotonic() - began,
            catch_up,
            world.peak,
            world.together,
            left,
        )
