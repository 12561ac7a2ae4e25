"""The system that fault injection goes through: as it is deployed, or with crippled workers; and what it weighs."""

import sys
from pathlib import Path
from typing import Any

from chaos.plan import Plan
from support.processes import Child
from support.system import System

SESSION_SECONDS = 2.0
TESTS = Path(__file__).parents[1]
MIB = 1024


class World(System):
    """`peak` is the most memory that one worker ever had, `together` that all had at a time; in MiB."""

    def __init__(self, folder: Path, plan: Plan, partitions: int = 4) -> None:
        super().__init__(folder, partitions, session_seconds=SESSION_SECONDS)
        self._plan = plan
        self._env["SHOPSTREAM_AUDIT_SECONDS"] = f"{plan.audit:g}"
        self.peak = self.together = 0

    def weigh(self) -> None:
        """To be called now and then, and before a worker ends."""
        running = [child for child in self.pipelines if child.running]
        sizes = [_memory(child) for child in running]
        self.peak = max([self.peak, *(most for most, _ in sizes)])
        self.together = max(self.together, sum(now for _, now in sizes))

    def open_batches(self) -> set[int]:
        """Begun and not marked."""
        rows = self.sql.rows("SELECT batch FROM batches GROUP BY batch HAVING NOT max(applied)", 5)
        return {int(row[0]) for row in rows}

    def marked(self) -> int:
        """How many batches are done."""
        return int(self.sql.rows("SELECT count() FROM batches WHERE applied", 5)[0][0])

    def _child(self, name: str, command: list[str], **env: str) -> Child:
        plan: Plan | None = getattr(self, "_plan", None)
        if name.startswith("pipeline") and plan is not None and (plan.without or plan.slow):
            missing = plan.without or "nothing"
            command = [sys.executable, "-m", "chaos.crippled", missing, f"{plan.slow:g}"]
            env["PYTHONPATH"] = str(TESTS)
        return super()._child(name, command, **env)


def _memory(child: Child) -> tuple[int, int]:
    """The most and the present resident memory of a process, in MiB."""
    found: dict[str, Any] = {"VmHWM": "0", "VmRSS": "0"}
    try:
        assert child.process is not None
        lines = Path(f"/proc/{child.process.pid}/status").read_text().splitlines()
        found |= dict(line.split(":", 1) for line in lines)
    except OSError:
        pass
    most, now = (int(found[name].split()[0]) // MIB for name in ("VmHWM", "VmRSS"))
    return most, now
