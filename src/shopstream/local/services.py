"""The processes of `shopstream up`: which there are, how each is called, what each waits for."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shopstream.contracts.topics import TOPICS
from shopstream.kafka import TopicAdmin
from shopstream.local.broker import EmbeddedBroker
from shopstream.local.directory import Secrets
from shopstream.local.probes import accepts, answers_ok
from shopstream.local.service import Prepare, Service
from shopstream.local.threads import in_thread
from shopstream.settings import PREFIX, Settings

EMBEDDED_SESSION_SECONDS = 6
EMBEDDED_PARTITIONS = 4

BROKER = "broker"
ENGINE = "engine"
PIPELINE = "pipeline"
API = "api"
DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Plan:
    """What `up` was asked for. A port is None where something that runs elsewhere is used."""

    demo: bool
    port: int
    kafka_port: int | None
    clickhouse_port: int | None
    metrics_port: int
    data: Path


def services(plan: Plan, settings: Settings, secrets: Secrets) -> tuple[Service, ...]:
    """Every process, in start order.

    The broker keeps its records in memory. When it is gone, the pipeline's places in them and the
    demo's past are too, so both stop, the broker starts, gets its topics, and both start again.
    The engine and the API keep nothing that another relies on.
    """
    ours = []
    if plan.kafka_port is not None:
        ours.append(_broker(plan.kafka_port, settings))
    if plan.clickhouse_port is not None:
        ours.append(_engine(plan.clickhouse_port, plan.data, settings, secrets))
    base = tuple(service.name for service in ours)
    memory = tuple(name for name in base if name == BROKER)
    ours.append(
        Service(
            PIPELINE,
            (sys.executable, "-m", "shopstream", "pipeline"),
            {PREFIX + "METRICS_PORT": str(plan.metrics_port)},
            probe=answers_ok(plan.metrics_port, "/ready"),
            starts_after=base,
            restarts_with=memory,
        )
    )
    ours.append(
        Service(
            API,
            (sys.executable, "-m", "shopstream", "api"),
            probe=answers_ok(plan.port, "/ready"),
            starts_after=base,
        )
    )
    if plan.demo:
        ours.append(
            Service(
                DEMO,
                (sys.executable, "-m", "shopstream.local.demo"),
                starts_after=(*memory, PIPELINE, API),
                restarts_with=memory,
            )
        )
    return tuple(ours)


def environment(plan: Plan, secrets: Secrets) -> dict[str, str]:
    """Variables that every process of `up` shares; a secret or an address given from outside stays."""
    shared = {
        "HOST": "127.0.0.1",
        "PORT": str(plan.port),
        "DATA_DIR": str(plan.data),
    }
    if plan.kafka_port is not None:
        shared["KAFKA_BOOTSTRAP"] = f"127.0.0.1:{plan.kafka_port}"
        shared["KAFKA_IDEMPOTENCE"] = "false"
        # the embedded broker lets a group wait for half of it before the first record
        shared["KAFKA_SESSION_TIMEOUT"] = str(EMBEDDED_SESSION_SECONDS)
        shared["KAFKA_PARTITIONS"] = str(EMBEDDED_PARTITIONS)
        shared["KAFKA_REPLICATION"] = "1"
        shared["KAFKA_SECURITY_PROTOCOL"] = "PLAINTEXT"
    if plan.clickhouse_port is not None:
        shared["CLICKHOUSE_URL"] = login_url("shopstream", secrets.shopstream, plan.clickhouse_port)
    return {PREFIX + name: value for name, value in shared.items()}


def login_url(login: str, password: str, port: int) -> str:
    """The address of our own engine for one login; passwords are URL-safe as they are made."""
    return f"http://{login}:{password}@127.0.0.1:{port}"


def create_topics(settings: Settings) -> None:
    """Creates the topics that are missing. Blocks.

    Raises:
        BrokerUnreachable, TopicRefused: from Kafka.
    """
    with TopicAdmin(settings) as admin:
        admin.create_missing(TOPICS)


def migrate_engine(settings: Settings) -> None:
    """Brings the ClickHouse schema to this version. Blocks; raises what the engine says."""
    from shopstream.clickhouse.migrations import migrate

    migrate(settings)


def _broker(port: int, settings: Settings) -> Service:
    return Service(
        BROKER,
        tuple(EmbeddedBroker().command(port)),
        probe=accepts(port),
        prepare=_blocking(create_topics, settings),
    )


def _engine(port: int, data: Path, settings: Settings, secrets: Secrets) -> Service:
    logins = {
        "shopstream": {
            "password": secrets.shopstream,
            "readonly": False,
            "database": "shopstream",
        },
        "bi": {"password": secrets.bi, "readonly": True, "database": "shopstream_bi"},
    }
    module = "shopstream.clickhouse.embedded"
    path = str(data / "clickhouse")
    return Service(
        ENGINE,
        (sys.executable, "-m", module, "--path", path, "--port", str(port)),
        {PREFIX + "ENGINE_LOGINS": json.dumps(logins)},
        probe=answers_ok(port, "/ping"),
        prepare=_blocking(migrate_engine, settings),
    )


def _blocking(work: Callable[[Settings], None], settings: Settings) -> Prepare:
    async def prepare() -> None:
        await in_thread(lambda: work(settings))

    return prepare
