"""`shopstream up`: the whole system on this machine, from checked flags to a clean end."""

import asyncio
import importlib.util
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from local.directory import Addresses, Directory, Secrets
from local.prepare import schema, topics
from local.probes import check_ports, free_port
from local.services import Plan, bi_login, environment, login_url, services
from local.supervisor import Supervisor
from shopstream.cli.tokens import mint
from shopstream.contracts import values
from shopstream.disk import MIB, Disk, watch
from shopstream.faults import Fault
from shopstream.limits import raise_open_files
from shopstream.settings import PREFIX, Settings, load

TOKEN_LIFE = timedelta(hours=24)
FILES_NEEDED = 4096
"""Kafka keeps three open for each of up to nine segments of 40 partitions; ClickHouse opens the parts that it reads."""


def run(asked: Plan) -> int:
    """Runs until Ctrl-C or SIGTERM; the exit code.

    Raises:
        Fault: a port or the data directory cannot be used, or a process does not start.
        SettingsError: a variable is not usable.
        BrokerUnreachable, EngineUnavailable: of an address given from outside.
    """
    _check_files(raise_open_files())
    directory = Directory(asked.data)
    try:
        plan = _plan(asked, directory)
        secrets = directory.secrets()
        if not os.environ.get(PREFIX + "JWT_SECRET"):
            os.environ[PREFIX + "JWT_SECRET"] = secrets.jwt
        os.environ.update(environment(plan, secrets))
        settings = load()
        _check_installed(plan, settings)
        if plan.kafka_port is None:
            topics(settings)
        if plan.clickhouse_port is None:
            schema(settings)
        asyncio.run(_serve(plan, settings, secrets, directory))
    finally:
        directory.release()
    return 0


def _check_files(allowed: int) -> None:
    if allowed < FILES_NEEDED:
        raise Fault(
            f"A process may have {allowed:,} files open here, and `up` needs {FILES_NEEDED:,}:"
            f" raise the limit (ulimit -Hn) and start it again."
        )


def _plan(asked: Plan, directory: Directory) -> Plan:
    given = os.environ.get
    kafka_port = None if given(PREFIX + "KAFKA_BOOTSTRAP") else asked.kafka_port
    clickhouse_port = None if given(PREFIX + "CLICKHOUSE_URL") else asked.clickhouse_port
    for shop in asked.bi_shops:
        try:
            values.identifier(shop)
        except values.Invalid as rule:
            raise Fault(f"--bi-shop {shop!r} {rule}.") from None
    if asked.bi_shops and clickhouse_port is None:
        raise Fault(
            "--bi-shop makes logins of our own ClickHouse; on another server use `shopstream migrate --bi-user`."
        )
    ports = {
        "--port": asked.port,
        "--kafka-port": kafka_port,
        "--clickhouse-port": clickhouse_port,
        "--clickhouse-native-port": asked.native_port if clickhouse_port else None,
    }
    check_ports({flag: port for flag, port in ports.items() if port is not None})
    return replace(
        asked,
        kafka_port=kafka_port,
        clickhouse_port=clickhouse_port,
        metrics_port=free_port(),
        data=directory.path,
    )


def _check_installed(plan: Plan, settings: Settings) -> None:
    """Before anything starts, so that what is missing is one sentence. Downloads Kafka where that has not been done."""
    if plan.clickhouse_port is not None and importlib.util.find_spec("chdb") is None:
        raise Fault("The package chdb-core is missing: install shopstream[local].")
    if plan.kafka_port is not None:
        from local.kafka.install import install

        install(settings, sys.stderr.write)


async def _serve(plan: Plan, settings: Settings, secrets: Secrets, directory: Directory) -> None:
    begun = time.monotonic()
    stop = asyncio.Event()
    supervisor = Supervisor(
        services(plan, secrets),
        directory.logs,
        lambda name, line: _tell(f"[{name}] {line}"),
        directory.note_restarts,
    )
    _on_signal(stop, supervisor)
    disk = Disk(plan.data, settings.disk_low_mib * MIB)
    watching = asyncio.create_task(watch(disk, lambda line: _tell(f"[disk] {line}")))
    watching.add_done_callback(_report)

    addresses = _addresses(plan, settings, secrets)
    # before anything serves: who sees `/ready` answer 200 finds the addresses there
    directory.announce(addresses)

    def ready() -> None:
        directory.announce(replace(addresses, ready=True))
        _greet(plan, settings, addresses, time.monotonic() - begun)

    try:
        await supervisor.run(stop, ready)
    finally:
        watching.cancel()
    _tell("stopped")


def _tell(line: str) -> None:
    """On standard error. A full disk under it, or a reader that has left, ends nothing: the line is lost."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"{line}\n")


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        _tell(f"[disk] is not watched any more: {task.exception()!r}")


def _on_signal(stop: asyncio.Event, supervisor: Supervisor) -> None:
    def stop_or_kill() -> None:
        if stop.is_set():
            supervisor.kill_all()
        stop.set()

    numbers = [signal.SIGINT, signal.SIGTERM]
    # under `nohup` it stays ignored
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, stop_or_kill)


def _addresses(plan: Plan, settings: Settings, secrets: Secrets) -> Addresses:
    own = plan.clickhouse_port
    return Addresses(
        api=f"http://127.0.0.1:{plan.port}",
        kafka=settings.kafka_bootstrap,
        clickhouse=settings.clickhouse_url.get_secret_value(),
        clickhouse_native_port=plan.native_port if own is not None else None,
        bi=login_url("bi", secrets.bi, own) if own is not None else None,
        bi_shops={
            shop: login_url(bi_login(shop), secrets.bi_of(shop), own)
            for shop in plan.bi_shops
            if own is not None
        },
        pid=os.getpid(),
        kafka_partitions=settings.kafka_partitions,
        pipeline=f"http://127.0.0.1:{plan.metrics_port}",
        kafka_version=_kafka_version(plan),
    )


def _kafka_version(plan: Plan) -> str | None:
    if plan.kafka_port is None:
        return None
    from local.kafka.jars import locked_version

    return locked_version()


def _native(addresses: Addresses) -> str:
    port = addresses.clickhouse_native_port
    return f", native protocol at {port}" if port is not None else ""


def _greet(plan: Plan, settings: Settings, addresses: Addresses, took: float) -> None:
    from local.demo.shops import SHOPS

    shops = [shop.id for shop in SHOPS] if plan.demo else ["my-shop"]
    lines = [
        f"shopstream is ready after {took:.1f} s; Ctrl-C stops it",
        f"  Page        {addresses.api}/  (paste the token there)",
        f"  API         {addresses.api}  (documentation: {addresses.api}/docs)",
        f"  Kafka       {addresses.kafka}",
        f"  ClickHouse  {addresses.clickhouse.rpartition('@')[2].removeprefix('http://')}{_native(addresses)}"
        f"  (addresses with logins, also for BI: {plan.data / 'up.json'})",
    ]
    if settings.jwt_secret is not None:
        token = mint(settings, shops, datetime.now(UTC), ttl=TOKEN_LIFE)
        lines.append(f"  Token       for {', '.join(shops)}, valid for 24 h:")
        lines.append(token)
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
