"""The API process of `bench/reports` that asks the orders themselves gives the reports of the product, which it is
compared with."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
from api_harness import SECRET, Addresses, Line, Order, bearer, eventually, store, token

from clickhouse.client import ClickHouseClient
from support.processes import free_port

BENCH = Path(__file__).parents[3] / "bench"
PATHS = ("daily-sales?date=2026-11-22", "metrics?startDate=2026-11-01&endDate=2026-11-30")


async def test_reports_from_orders_final_are_those_of_the_windows(
    engine: ClickHouseClient, http: httpx.AsyncClient, addresses: Addresses, folder: Path
) -> None:
    tea, cup = Line("p-tea", 2, "10.25", "Tea"), Line("p-cup", 1, "3.0001", "Cup")
    await store(
        engine,
        [
            Order("final", "o1", "2026-11-22T00:00:00+00:00", (tea, cup)),
            Order("final", "o2", "2026-11-22T10:15:30.5+00:00", (tea,), status="cancelled"),
            Order("final", "o3", "2026-11-22T23:59:59.999999+00:00", (cup,), currency="USD"),
            Order("final", "o4", "2026-11-23T00:00:00+00:00", (tea,)),
        ],
    )
    port = free_port()
    env = {
        "PYTHONPATH": str(BENCH),
        "SHOPSTREAM_KAFKA_BOOTSTRAP": addresses.kafka,
        "SHOPSTREAM_CLICKHOUSE_URL": addresses.clickhouse,
        "SHOPSTREAM_JWT_SECRET": SECRET,
        "SHOPSTREAM_PORT": str(port),
    }
    command = [sys.executable, "-m", "shopbench.other_api", "final"]
    with (folder / "final.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **env}, stdout=log, stderr=log)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as final:

            async def ready() -> bool:
                try:
                    return (await final.get("/ready")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(ready, bool, 40)
            for path in PATHS:
                told = [
                    (await one.get(f"/reports/{path}", headers=bearer(token("final")))).json()
                    for one in (http, final)
                ]
                assert told[0]["totalOrders"] > 0
                for body in told:
                    del body["asOf"]
                assert told[0] == told[1]
    finally:
        process.terminate()
        process.wait(10)
