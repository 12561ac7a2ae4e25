"""examples/review-posted.diff adds an event type to a copy of the source, and the copy stores its events."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from support.events import Sent
from support.system import System
from support.waiting import eventually

ROOT = Path(__file__).parents[3]
SHOP = "reviewed"


def review(number: int, stars: int, minute: int, text: str | None = None) -> Sent:
    event = {
        "specversion": "1.0",
        "id": f"{number}-{stars}-{minute}",
        "source": "/reviews",
        "type": "review:posted",
        "shopid": SHOP,
        "data": {
            "reviewId": f"r-{number}",
            "productId": "p-1",
            "stars": stars,
            "at": f"2026-11-22T10:{minute:02}:00Z",
            "text": text,
        },
    }
    return Sent(f"{SHOP}/r-{number}".encode(), json.dumps(event).encode(), topic="shop.reviews")


def test_an_event_type_is_added_by_the_diff_of_the_page(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    for name in ("shopstream", "pipeline", "api", "clickhouse", "local"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    patch = ROOT / "examples" / "review-posted.diff"
    subprocess.run(["git", "apply", str(patch)], cwd=source, check=True)
    with System(tmp_path / "system") as system:
        _start(system, source)
        records = [review(1, 5, 1), review(1, 2, 3, "Leaks"), review(1, 4, 2), review(2, 6, 1)]
        system.kafka.produce(records, lambda place: None)
        _send(system, source, review(3, 1, 5))
        system.kafka.produce([review(2, 3, 1)], lambda place: None)
        rows = "SELECT review_id, stars, text FROM reviews FINAL ORDER BY review_id"
        eventually(lambda: len(system.sql.rows(rows)) == 3, 30, "reviews in their table")
        assert system.sql.rows(rows) == [
            ["r-1", 2, "Leaks"],
            ["r-2", 3, None],
            ["r-3", 1, None],
        ]
        eventually(lambda: len(system.dead_letters()) == 1, 30, "the refused review is told")
        (letter,) = system.dead_letters()
        assert (letter["data"]["topic"], letter["data"]["field"]) == ("shop.reviews", "data.stars")


def _start(system: System, source: Path) -> None:
    system.start_broker()
    system.start_engine()
    assert "shop.reviews" in _run(system, source, "migrate")
    pipeline = system.add_pipeline(**_copy(source))
    system.until_ready(pipeline)


def _send(system: System, source: Path, sent: Sent) -> None:
    place = _run(system, source, "produce", "-", given=sent.value)
    assert place.startswith("shop.reviews:")


def _run(system: System, source: Path, *command: str, given: bytes = b"") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "shopstream", *command],
        env={**system.environment, **_copy(source)},
        input=given,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def _copy(source: Path) -> dict[str, str]:
    """The environment of a process that imports the copy; without the second its working directory comes first."""
    return {"PYTHONPATH": str(source), "PYTHONSAFEPATH": "1"}
