"""Kills of every process, a frozen worker, rewinds and a replay under load: no difference, ever.

The long form, with hundreds of kills, is bench/chaos; what happens in both is told in tests/chaos.
"""

from pathlib import Path

from chaos.plan import Plan
from chaos.run import chaos
from shopstream.contracts.reject import Reason

REASONS = {reason.value for reason in Reason}
SHORT = Plan(
    seed=36, events=3000, kills=12, freezes=1, rewinds=0, replays=1, pause=0.3, rush=0.4, every=10
)


def test_everything_goes_wrong_and_every_number_is_right(tmp_path: Path) -> None:
    run = chaos(SHORT, tmp_path, print)
    print(run.row(), run.refused, run.verdict.notes)
    assert run.verdict.count == 0, run.verdict.differences
    assert not run.verdict.repairs
    assert sum(run.kills.values()) == 12
    assert run.kills.keys() == {"pipeline", "engine", "broker"}
    assert run.done["freeze"] == run.done["replay"] == 1
    assert run.refused.keys() == REASONS
