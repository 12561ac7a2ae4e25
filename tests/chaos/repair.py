"""The night after: a worker that audits, and what it leaves."""

from chaos.world import World
from oracle.compare import compare_tables
from support.scene import Scene
from support.waiting import eventually

SWEPT_SECONDS = 300.0
A_DAY_PASSES = (
    # all of it is due to be compared
    "TRUNCATE TABLE sweeps",
    # the claim of an auditor that is gone holds for some minutes
    "ALTER TABLE owners DELETE WHERE topic = 'shopstream.audit' SETTINGS mutations_sync = 2",
    # what a batch touches that was begun and never marked is left alone for a day
    "ALTER TABLE batches DELETE WHERE batch NOT IN (SELECT batch FROM batches WHERE applied)"
    " SETTINGS mutations_sync = 2",
)


def repair(world: World, scene: Scene) -> list[str]:
    """A day passes and a worker starts again; the differences that are left after the audit."""
    for worker in world.pipelines:
        worker.stop(40)
        worker.env["SHOPSTREAM_AUDIT_SECONDS"] = "2"
    for statement in A_DAY_PASSES:
        world.sql.text(statement)
    # one, so that no other takes the audit over from it
    world.pipelines[0].start()

    def swept() -> bool:
        world.revive()
        return world.sql.rows("SELECT count() FROM sweeps") != [["0"]]

    eventually(swept, SWEPT_SECONDS, "everything is compared", pause=0.5)
    return compare_tables(world.sql, scene.book)
