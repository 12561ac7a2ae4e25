"""What `shopstream rebuild` reports to the API processes."""

from local.probes import free_port
from pipeline.reconcile import rebuild
from shopstream.settings import Settings


async def test_it_is_known_that_nobody_could_be_notified() -> None:
    away = Settings(kafka_bootstrap=f"127.0.0.1:{free_port()}")
    assert not await rebuild._notify(away, "rebuild-1", 1)
