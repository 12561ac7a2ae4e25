"""Workers of one group that join, leave, die and freeze, each only once it has effects."""

import time

from kafka_load import Load

from support.processes import Child
from support.scene import Scene
from support.system import FULL, SESSION_SECONDS
from support.waiting import eventually

ROUNDS = 3 if FULL else 1


def until_it_writes(scene: Scene, pipeline: Child) -> None:
    """It holds partitions and has written batches of them."""
    scene.system.until_ready(pipeline)
    before = written(scene, pipeline)
    eventually(lambda: written(scene, pipeline) > before + 1, 30, f"{pipeline.name} writes")


def written(scene: Scene, pipeline: Child) -> float:
    lines = scene.system.metrics(pipeline).splitlines()
    (found,) = (line.split()[1] for line in lines if line.startswith("shopstream_batches_total"))
    return float(found)


def test_three_workers_join_leave_die_and_freeze_under_load(scene: Scene) -> None:
    system = scene.system
    leaving, dying, freezing = system.pipelines[0], system.add_pipeline(), system.add_pipeline()
    for turn in range(ROUNDS):
        with Load(scene, 10 + turn):
            for pipeline in system.pipelines:
                until_it_writes(scene, pipeline)
            assert leaving.stop(20) == 0, leaving.tail()
            until_it_writes(scene, dying)
            dying.kill()
            leaving.start()
            until_it_writes(scene, leaving)
            freezing.freeze()
            time.sleep(SESSION_SECONDS + 1)
            until_it_writes(scene, leaving)
            freezing.wake()
            if turn + 1 < ROUNDS:
                dying.start()
            until_it_writes(scene, leaving)
        system.settle(90, revive=True)
        scene.compare()
    if freezing.running:
        assert freezing.stop(20) == 0, freezing.tail()
    del system.pipelines[1:]
