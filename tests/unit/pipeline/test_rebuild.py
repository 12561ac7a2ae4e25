"""What `shopstream rebuild` says to the API processes."""

from local.probes import free_port
from pipeline.reconcile import rebuild
from shopstream.settings import Settings


async def test_that_nobody_could_be_told_is_known() -> None:
    away = Settings(kafka_bootstrap=f"127.0.0.1:{free_port()}")
    assert not await rebuild._tell(away, "rebuild-1", 1)
