"""Waits for the recounts of shops that chose other statuses."""

from support.system import System
from support.waiting import eventually

WANTED = "SELECT shop_id, argMax(counted_statuses, version) AS w FROM shops GROUP BY shop_id HAVING w != ''"
PRESENT = "SELECT shop_id, argMax(statuses, claim) AS p FROM counted_statuses GROUP BY shop_id HAVING p != ''"
CLAIMS = (
    "SELECT uniqExact(c) FROM"
    " (SELECT max(claim) AS c FROM owners WHERE topic = 'shopstream.counting' GROUP BY partition)"
)


def until_recounted(system: System) -> None:
    """Returns once every shop counts as its settings say, and no recount is under way."""
    system.settle(120, revive=True)

    def done() -> bool:
        system.revive()
        wanted, present = system.sql.rows(WANTED), system.sql.rows(PRESENT)
        return sorted(wanted) == sorted(present) and system.sql.rows(CLAIMS) == [["1"]]

    eventually(done, 120, "recounts", pause=0.2)
