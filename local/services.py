"""The processes of `shopstream up`: which there are, how each is called, what each waits for."""

import asyncio
import hashlib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.child import bound_to, inherited
from local.clickhouse.logins import dump, login
from local.directory import Secrets
from local.probes import accepts, answers_ok
from local.service import Prepare, Service
from shopstream.settings import PREFIX

MODULE = (sys.executable, "-P", "-m")
"""Never of the present directory, which may be that of another program with a package `api` or `local`."""
PARTITIONS = 4
"""Of each event topic on our own broker: one machine has no use for more."""
PREPARED_WITHIN: Mapping[str, float] = {"topics": 120.0, "schema": 6 * 3600.0}
"""Seconds. A migration may make a table of all orders, or write them anew."""
BROKER_STARTS_WITHIN = 120.0
"""After a kill under load the broker reads its logs first."""

SECRETS = (
    *("JWT_SECRET", "TICKET_SECRET", "HOOK_SECRETS", "CLICKHOUSE_URL", "KAFKA_SASL_PASSWORD"),
    "BI_PASSWORD",
)

BROKER, ENGINE, PIPELINE, API, DEMO = "broker", "engine", "pipeline", "api", "demo"


class NotPrepared(Exception):
    """A server answers, but could not be given what the others need."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What `up` is asked for by its flags. A port is None where something that runs elsewhere is used; that of metrics
    is a free one."""

    demo: bool
    port: int
    kafka_port: int | None
    clickhouse_port: int | None
    native_port: int
    data: Path
    bi_shops: tuple[str, ...] = ()
    metrics_port: int = 0


def services(plan: Plan, secrets: Secrets) -> tuple[Service, ...]:
    """Every process, in start order. Each waits for the others by itself, so none restarts with another."""
    ours = []
    if plan.kafka_port is not None:
        ours.append(_broker(plan.kafka_port, plan.data))
    if plan.clickhouse_port is not None:
        ours.append(_engine(plan, secrets))
    base = tuple(service.name for service in ours)
    needed = ("CLICKHOUSE_URL", "KAFKA_SASL_PASSWORD")
    metrics = {PREFIX + "METRICS_PORT": str(plan.metrics_port)}
    ours += [
        Service(
            PIPELINE,
            (*MODULE, "shopstream", "pipeline"),
            only(*needed) | metrics,
            probe=answers_ok(plan.metrics_port, "/ready"),
            starts_after=base,
        ),
        Service(
            API,
            (*MODULE, "shopstream", "api"),
            only(*needed, "JWT_SECRET", "TICKET_SECRET", "HOOK_SECRETS"),
            probe=answers_ok(plan.port, "/ready"),
            starts_after=base,
        ),
    ]
    if plan.demo:
        demo = (*MODULE, "local.demo")
        after = (*base, PIPELINE, API)
        ours.append(Service(DEMO, demo, only("KAFKA_SASL_PASSWORD"), starts_after=after))
    return tuple(ours)


def only(*needed: str) -> dict[str, str]:
    """For the environment of a process: takes every secret out of it but those that it needs."""
    return {PREFIX + name: "" for name in SECRETS if name not in needed}


def environment(plan: Plan, secrets: Secrets) -> dict[str, str]:
    """Variables that every process of `up` shares; a secret or an address given from outside stays."""
    shared = {
        "HOST": "127.0.0.1",
        "PORT": str(plan.port),
        "DATA_DIR": str(plan.data),
    }
    if plan.kafka_port is not None:
        shared["KAFKA_BOOTSTRAP"] = f"127.0.0.1:{plan.kafka_port}"
        shared["KAFKA_PARTITIONS"] = str(PARTITIONS)
        shared["KAFKA_REPLICATION"] = "1"
        shared["KAFKA_SECURITY_PROTOCOL"] = "PLAINTEXT"
    if plan.clickhouse_port is not None:
        shared["CLICKHOUSE_URL"] = login_url("shopstream", secrets.shopstream, plan.clickhouse_port)
    return {PREFIX + name: value for name, value in shared.items()}


def login_url(login: str, password: str, port: int) -> str:
    """The address of our own engine for one login; passwords are URL-safe as they are made."""
    return f"http://{login}:{password}@127.0.0.1:{port}"


def bi_login(shop: str) -> str:
    """The name of the login that reads this shop; one that is no word in a configuration is named by a hash.

    Names of words have an underscore where the others have a dash, so no two shops share one.
    """
    if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", shop):
        return f"bi_{shop}"
    return f"bi-{hashlib.sha256(shop.encode()).hexdigest()[:32]}"


def _broker(port: int, data: Path) -> Service:
    folder = str(data / "kafka")
    return Service(
        BROKER,
        (*MODULE, "local.kafka", "--folder", folder, "--port", str(port)),
        only(),
        probe=accepts(port),
        prepare=_prepared("topics", only()),
        starts_within=BROKER_STARTS_WITHIN,
    )


def _engine(plan: Plan, secrets: Secrets) -> Service:
    logins = {
        "shopstream": login(secrets.shopstream),
        "bi": login(secrets.bi, reads=True),
        **{
            bi_login(shop): login(secrets.bi_of(shop), reads=True, shop=shop)
            for shop in plan.bi_shops
        },
    }
    port = plan.clickhouse_port
    assert port is not None
    flags = {
        "--path": plan.data / "clickhouse",
        "--port": port,
        "--native-port": plan.native_port,
        "--log": plan.data / "logs" / "clickhouse.log",
    }
    given = (str(part) for flag in flags.items() for part in flag)
    return Service(
        ENGINE,
        (*MODULE, "local.clickhouse", *given),
        {**only(), PREFIX + "ENGINE_LOGINS": dump(logins)},
        probe=answers_ok(port, "/ping"),
        prepare=_prepared("schema", only("CLICKHOUSE_URL")),
    )


def _prepared(what: str, more: Mapping[str, str]) -> Prepare:
    async def prepare() -> None:
        process = await asyncio.create_subprocess_exec(
            *MODULE,
            "local.prepare",
            what,
            env=inherited(more),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=bound_to(os.getpid()),
        )
        try:
            async with asyncio.timeout(PREPARED_WITHIN[what]):
                _, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise NotPrepared(errors.decode(errors="replace").strip().rpartition("\n")[2])

    return prepare
