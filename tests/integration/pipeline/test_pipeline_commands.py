"""The commands of people who run it: what was refused is sent again after a fix, and damage is mended."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from support.events import Refusal, level, record
from support.load import mixed
from support.scene import Scene
from support.system import FULL, System
from support.waiting import eventually

OLDER = """
from shopstream.contracts import topics
del topics.TOPIC_OF_TYPE["inventory:updated"]
from shopstream.cli.main import main
main()
"""
"""A worker of a version that does not know levels yet."""


def shopstream(system: System, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shopstream", *words],
        env=system.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_what_was_refused_counts_after_a_fix_and_a_second_time_changes_nothing(
    tmp_path: Path,
) -> None:
    unknown = Refusal("unknown_type", "type")
    levels = [
        record(level("s", "p", quantity, version=number))
        for number, quantity in enumerate((50, 5, 60, 3))
    ]
    with System(tmp_path) as system:
        scene = Scene(system)
        system.start(pipelines=0)
        older = system.add_pipeline(command=[sys.executable, "-c", OLDER, "pipeline"])
        system.until_ready(older)
        (place, *_) = scene.send([replace(one, refusal=unknown) for one in levels])
        scene.check_letters()
        assert older.stop() == 0
        system.until_ready(system.add_pipeline())
        listed = shopstream(system, "deadletters", "list", "--json").stdout.splitlines()
        assert [json.loads(line)["reason"] for line in listed] == ["unknown_type"] * 4
        for _ in range(2):
            sent = shopstream(system, "deadletters", "retry", "--reason", "unknown_type")
            assert sent.returncode == 0 and "4 records sent again" in sent.stdout, sent
            system.ends[place.topic, place.partition] += len(levels)
            scene.book.take_all(levels)
            scene.check()
            scene.check_alerts()
        assert len(scene.book.crossings) == 3


def start_without_audit(system: System, api: bool = False) -> None:
    """What a test damages stays so until the command that it tries."""
    system.start(pipelines=0, api=api)
    system.until_ready(system.add_pipeline(SHOPSTREAM_AUDIT_SECONDS="0"))


@pytest.mark.slow
def test_damage_is_told_and_mended_while_events_come(own: Scene) -> None:
    system = own.system
    start_without_audit(system)
    records = mixed(7, 1200 if FULL else 600, prefix="mended", bad=0)
    half = len(records) // 2
    own.send(records[:half])
    own.check()
    system.sql.text(
        "INSERT INTO order_windows SELECT * FROM order_windows WHERE grain = 'sales_15m'"
    )
    system.sql.text("TRUNCATE TABLE on_order")
    told = shopstream(system, "verify", "--json")
    verdict = json.loads(told.stdout)
    assert told.returncode == 1, told.stderr
    assert {one["table"] for one in verdict["differences"]} == {"sales_15m", "on_order"}
    own.send(records[half:])
    mended = shopstream(system, "rebuild")
    assert mended.returncode == 0, mended.stderr
    assert int(mended.stdout.split()[0]) > 10
    own.check()
    clean = shopstream(system, "verify")
    assert clean.returncode == 0, clean.stdout
    assert clean.stdout.splitlines()[-1].endswith("rows compared, 0 differences")
    assert shopstream(system, "rebuild").stdout == "0 rows repaired\n"


def test_what_a_rebuild_made_good_is_served_at_once(own: Scene) -> None:
    system = own.system
    start_without_audit(system, api=True)
    own.send(mixed(8, 300, prefix="served", bad=0))
    own.check()
    system.until_told()
    system.sql.text(
        "INSERT INTO order_windows SELECT * FROM order_windows WHERE grain = 'sales_15m'"
    )
    with pytest.raises(AssertionError, match="differences"):
        own.check_reports(step=5)
    assert shopstream(system, "rebuild").returncode == 0

    def right() -> bool:
        return own.check_reports(step=5) > 0

    eventually(right, 20, "what was made good is served", passing=(AssertionError,))
