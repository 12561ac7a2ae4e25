"""The supervisor with small processes in place of the real ones."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from local import supervisor as supervision
from local.output import ROTATE_AT
from local.service import Backoff, Prepare, Service
from local.supervisor import StartFailed, Supervisor

PATIENCE = 10.0
"""Seconds."""

WORKER = """
import pathlib, signal, sys, time
name, journal = sys.argv[1:3]
def note(what):
    with open(journal, "a") as file: file.write(f"{name} {what}\\n")
def stop(*_):
    note("stops"); sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("to standard output", flush=True)
print("INFO nothing special", file=sys.stderr)
print("my last words", file=sys.stderr, flush=True)
note("starts")
while True: time.sleep(60)
"""


class Scene:
    """Services, what they noted in a journal, and what was said on the terminal."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder
        self.journal = folder / "journal"
        self.journal.touch()
        self.said: list[str] = []
        self.restarts: list[dict[str, int]] = []
        self.ready = 0

    def worker(self, name: str, prepare: Prepare | None = None, **relations: object) -> Service:
        async def started() -> bool:
            return self.notes().count(f"{name} starts") > self.notes().count(f"{name} found")

        async def noted() -> None:
            self.note(f"{name} found")
            if prepare is not None:
                await prepare()

        command = (sys.executable, "-c", WORKER, name, str(self.journal))
        return Service(name, command, probe=started, prepare=noted, **relations)  # type: ignore[arg-type]

    def note(self, text: str) -> None:
        with self.journal.open("a") as file:
            file.write(text + "\n")

    def notes(self) -> list[str]:
        return self.journal.read_text().splitlines()

    def say(self, name: str, line: str) -> None:
        self.said.append(f"[{name}] {line}")

    def restarted(self, counts: Mapping[str, int]) -> None:
        self.restarts.append(dict(counts))

    def is_ready(self) -> None:
        self.ready += 1

    @asynccontextmanager
    async def running(self, *services: Service) -> AsyncIterator[Supervisor]:
        supervisor = Supervisor(services, self.logs, self.say, self.restarted)
        stop = asyncio.Event()
        run = asyncio.create_task(supervisor.run(stop, self.is_ready))
        try:
            await eventually(lambda: self.ready > 0 or run.done())
            yield supervisor
        finally:
            stop.set()
            await run


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_processes_start_in_order_and_stop_in_reverse(scene: Scene) -> None:
    services = (
        scene.worker("one"),
        scene.worker("two", starts_after=("one",)),
        scene.worker("three", starts_after=("one", "two")),
    )
    async with scene.running(*services) as supervisor:
        pids = list(supervisor.pids.values())
        assert all(alive(pid) for pid in pids)
    assert scene.notes() == [
        "one starts",
        "one found",
        "two starts",
        "two found",
        "three starts",
        "three found",
        "three stops",
        "two stops",
        "one stops",
    ]
    assert not any(alive(pid) for pid in pids)
    assert scene.said == []
    assert "to standard output" in (scene.logs / "one.log").read_text()


async def test_one_that_dies_starts_again_and_the_reason_is_said(scene: Scene) -> None:
    async with scene.running(scene.worker("one"), scene.worker("two")) as supervisor:
        first, other = supervisor.pids["one"], supervisor.pids["two"]
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: scene.notes().count("one found") == 2)
        assert supervisor.pids["one"] != first
        assert supervisor.pids["two"] == other
    assert scene.said == ["[one] ended (killed by SIGKILL: my last words), starts again in 0.2 s"]
    assert scene.restarts == [{"one": 0, "two": 0}, {"one": 1, "two": 0}]
    assert scene.ready == 1


async def test_one_that_others_start_after_dies_alone(scene: Scene) -> None:
    services = (
        scene.worker("broker"),
        scene.worker("pipeline", starts_after=("broker",)),
        scene.worker("api", starts_after=("broker",)),
    )
    async with scene.running(*services) as supervisor:
        pids = supervisor.pids
        os.kill(pids["broker"], signal.SIGKILL)
        await eventually(lambda: scene.notes().count("broker found") == 2)
        assert supervisor.pids == {**pids, "broker": supervisor.pids["broker"]}
        assert scene.notes()[-2:] == ["broker starts", "broker found"]


async def test_each_service_has_its_own_time_to_become_ready(scene: Scene) -> None:
    async def never() -> bool:
        return False

    calm = scene.worker("calm", starts_within=60.0)
    late = replace(scene.worker("late"), probe=never, starts_within=0.6)
    supervisor = Supervisor((calm, late), scene.logs, scene.say)
    stop = asyncio.Event()
    run = asyncio.create_task(supervisor.run(stop, scene.is_ready))
    await eventually(lambda: len(scene.said) == 1)
    stop.set()
    await run
    assert scene.said == ["[late] ended (not ready within 1 s), starts again in 0.2 s"]
    assert scene.notes().count("calm starts") == 1
    assert scene.ready == 0


async def test_a_failed_preparation_is_tried_again_with_a_new_process(scene: Scene) -> None:
    failures = iter([RuntimeError("no topics")])

    async def prepare() -> None:
        for failure in failures:
            raise failure

    async with scene.running(scene.worker("one", prepare)):
        pass
    assert scene.notes().count("one starts") == 2
    assert scene.said[0] == "[one] ended (no topics), starts again in 0.2 s"


async def test_a_service_that_never_comes_up_ends_it_all(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "ATTEMPTS", 2)
    fails = Service("bad", (sys.executable, "-c", "import sys; sys.exit('no such disk')"))
    with pytest.raises(StartFailed) as caught:
        async with scene.running(
            scene.worker("good"), Service("bad", fails.command, probe=scene.worker("bad").probe)
        ) as supervisor:
            pass
    assert str(caught.value) == (
        f"The bad does not start (exit code 1: no such disk); its log is {scene.logs / 'bad.log'}."
    )
    assert supervisor.pids == {}
    assert scene.notes()[-1] == "good stops"


async def test_one_that_takes_long_to_fail_is_given_up_too(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never() -> bool:
        return False

    monkeypatch.setattr(supervision, "ATTEMPTS", 3)
    # as if 0.3 s were half a minute: the pauses begin again
    monkeypatch.setattr(supervision, "Backoff", partial(Backoff, calm=0.3))
    late = replace(scene.worker("late"), probe=never, starts_within=0.5)
    with pytest.raises(StartFailed, match="not ready within"):
        async with scene.running(late):
            pass
    assert scene.notes().count("late starts") == 3


async def test_one_that_waits_for_another_is_not_started_again_for_that(scene: Scene) -> None:
    gate = asyncio.Event()
    gate.set()

    async def prepare() -> None:
        await gate.wait()

    broker = scene.worker("broker", prepare)
    worker = scene.worker("api", starts_after=("broker",), starts_within=0.5)

    async def serves() -> bool:
        return gate.is_set() and await worker.probe()

    async with scene.running(broker, replace(worker, probe=serves)) as supervisor:
        gate.clear()
        os.kill(supervisor.pids["broker"], signal.SIGKILL)
        os.kill(supervisor.pids["api"], signal.SIGKILL)
        await eventually(lambda: scene.notes().count("api starts") == 2)
        await asyncio.sleep(1.5)
        assert scene.notes().count("api starts") == 2
        gate.set()
        await eventually(lambda: scene.notes().count("api found") == 2)


async def test_a_command_that_is_not_there_ends_it_all(scene: Scene) -> None:
    with pytest.raises(StartFailed, match="No such file"):
        async with scene.running(Service("bad", ("/nowhere/to/be/found",))):
            pass


async def test_one_that_will_not_stop_is_killed_at_the_deadline(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "STOP_WITHIN", 1.0)
    async with scene.running(scene.worker("frozen"), scene.worker("good")) as supervisor:
        pids = list(supervisor.pids.values())
        os.kill(supervisor.pids["frozen"], signal.SIGSTOP)
        begun = time.monotonic()
    assert time.monotonic() - begun < 10
    assert not any(alive(pid) for pid in pids)
    assert "did not stop within" in scene.said[0]


async def test_errors_are_shown_and_the_rest_is_quiet(scene: Scene) -> None:
    script = (
        "import sys, time; print('ERROR flush', file=sys.stderr); print('fine'); time.sleep(60)"
    )
    async with scene.running(Service("one", (sys.executable, "-c", script))):
        await eventually(lambda: scene.said == ["[one] ERROR flush"])


async def test_what_a_dead_process_leaves_in_its_group_is_killed(scene: Scene) -> None:
    script = (
        "import subprocess, sys; p = subprocess.Popen(['sleep', '600']);"
        "print(p.pid, file=sys.stderr, flush=True); sys.stdin.read(); import time; time.sleep(600)"
    )
    async with scene.running(Service("one", (sys.executable, "-c", script))) as supervisor:
        log = scene.logs / "one.log"
        await eventually(lambda: log.read_text().strip().isdigit())
        grandchild = int(log.read_text())
        assert alive(grandchild)
        os.kill(supervisor.pids["one"], signal.SIGKILL)
        await eventually(lambda: not alive(grandchild))


HOST = """
import asyncio, sys
from pathlib import Path
from local.service import Service
from local.supervisor import Supervisor

async def main():
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    services = (Service("one", command), Service("two", command))
    supervisor = Supervisor(services, Path(sys.argv[1]), print)
    ready = lambda: print(*supervisor.pids.values(), flush=True)
    await supervisor.run(asyncio.Event(), ready)

asyncio.run(main())
"""


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a process of its parent's end"
)
async def test_a_killed_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOST, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        pids = [int(pid) for pid in host.stdout.readline().split()]
        assert len(pids) == 2
        assert all(alive(pid) for pid in pids)
        host.kill()
    await eventually(lambda: not any(alive(pid) for pid in pids))


TALKER = """
import sys, time
line = "x" * 99 + "\\n"
for _ in range(60):
    sys.stdout.write(line * 500)
    sys.stderr.write(line * 500)
print("done", flush=True)
time.sleep(60)
"""


async def test_a_log_is_bounded_while_its_process_runs(scene: Scene) -> None:
    service = Service("one", (sys.executable, "-c", TALKER))

    def all_of_it() -> int:
        return sum(path.stat().st_size for path in scene.logs.glob("one.log*"))

    async with scene.running(service):
        await eventually(lambda: all_of_it() >= 60 * 1000 * 100)
    sizes = [path.stat().st_size for path in scene.logs.glob("one.log*")]
    assert len(sizes) == 2
    assert all(size <= ROTATE_AT for size in sizes)


async def test_what_fails_once_all_are_ready_ends_all(scene: Scene) -> None:
    def fails() -> None:
        raise OSError("No space left on device")

    scene.is_ready = fails  # type: ignore[method-assign]
    supervisor = Supervisor((scene.worker("one"),), scene.logs, scene.say)
    with pytest.raises(OSError, match="No space left"):
        await asyncio.wait_for(supervisor.run(asyncio.Event(), scene.is_ready), PATIENCE)
    assert scene.notes() == ["one starts", "one found", "one stops"]
    assert not supervisor.pids
