"""`shopstream up`: the whole system on this machine, from checked flags to a clean end."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from shopstream.local.directory import Addresses, Directory, Secrets
from shopstream.local.probes import check_ports, free_port
from shopstream.local.services import (
    Plan,
    create_topics,
    environment,
    login_url,
    migrate_engine,
    services,
)
from shopstream.local.supervisor import Supervisor
from shopstream.local.threads import in_thread
from shopstream.local.tokens import mint
from shopstream.settings import PREFIX, Settings, load

TOKEN_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of `shopstream up`."""

    demo: bool
    port: int
    kafka_port: int
    clickhouse_port: int
    data_dir: Path


def run(flags: Flags) -> int:
    """Runs until Ctrl-C or SIGTERM; the exit code.

    Raises:
        LocalFault: a port or the data directory cannot be used, or a process does not start.
        SettingsError: a variable is not usable.
        BrokerUnreachable, EngineUnavailable: of an address given from outside.
    """
    directory = Directory(flags.data_dir)
    try:
        plan = _plan(flags, directory)
        secrets = directory.secrets()
        os.environ.setdefault(PREFIX + "JWT_SECRET", secrets.jwt)
        os.environ.update(environment(plan, secrets))
        asyncio.run(_serve(plan, load(), secrets, directory))
    finally:
        directory.release()
    return 0


def _plan(flags: Flags, directory: Directory) -> Plan:
    given = os.environ.get
    kafka_port = None if given(PREFIX + "KAFKA_BOOTSTRAP") else flags.kafka_port
    clickhouse_port = None if given(PREFIX + "CLICKHOUSE_URL") else flags.clickhouse_port
    ports = {
        "--port": flags.port,
        "--kafka-port": kafka_port,
        "--clickhouse-port": clickhouse_port,
    }
    check_ports({flag: port for flag, port in ports.items() if port is not None})
    return Plan(flags.demo, flags.port, kafka_port, clickhouse_port, free_port(), directory.path)


async def _serve(plan: Plan, settings: Settings, secrets: Secrets, directory: Directory) -> None:
    begun = time.monotonic()
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    stop = asyncio.Event()
    supervisor = Supervisor(
        services(plan, settings, secrets),
        directory.logs,
        lambda name, line: console.print(f"[{name}] {line}", markup=False),
    )
    _on_signal(stop, supervisor)
    await _prepare_foreign(plan, settings)

    def ready() -> None:
        addresses = _addresses(plan, settings, secrets)
        directory.announce(addresses)
        _greet(plan, settings, addresses, time.monotonic() - begun)

    await supervisor.run(stop, ready)
    console.print("stopped")


async def _prepare_foreign(plan: Plan, settings: Settings) -> None:
    if plan.kafka_port is None:
        await in_thread(lambda: create_topics(settings))
    if plan.clickhouse_port is None:
        await in_thread(lambda: migrate_engine(settings))


def _on_signal(stop: asyncio.Event, supervisor: Supervisor) -> None:
    def told() -> None:
        if stop.is_set():
            supervisor.kill_all()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told)


def _addresses(plan: Plan, settings: Settings, secrets: Secrets) -> Addresses:
    own = plan.clickhouse_port
    return Addresses(
        api=f"http://127.0.0.1:{plan.port}",
        kafka=settings.kafka_bootstrap,
        clickhouse=settings.clickhouse_url.get_secret_value(),
        bi=login_url("bi", secrets.bi, own) if own is not None else None,
        pid=os.getpid(),
        kafka_idempotence=settings.kafka_idempotence,
        kafka_partitions=settings.kafka_partitions,
        kafka_session_timeout=settings.kafka_session_timeout,
    )


def _greet(plan: Plan, settings: Settings, addresses: Addresses, took: float) -> None:
    from shopstream.local.demo.shops import SHOPS

    shops = [shop.id for shop in SHOPS] if plan.demo else ["my-shop"]
    lines = [
        f"shopstream is ready after {took:.1f} s; Ctrl-C stops it",
        f"  Page        {addresses.api}/  (paste the token there)",
        f"  API         {addresses.api}  (documentation: {addresses.api}/docs)",
        f"  Kafka       {addresses.kafka}",
        f"  ClickHouse  {addresses.clickhouse.rpartition('@')[2].removeprefix('http://')}"
        f"  (address with login: {plan.data / 'up.json'})",
    ]
    if addresses.bi:
        lines.append(f"  BI          {addresses.bi}  (database shopstream_bi, read-only)")
    if settings.jwt_secret is not None:
        token = mint(settings, shops, datetime.now(UTC), ttl=TOKEN_LIFE)
        lines.append(f"  Token       for {', '.join(shops)}, valid for 24 h:")
        lines.append(token)
    Console(highlight=False, soft_wrap=True).print("\n".join(lines), markup=False)
