"""The whole system as processes on free ports, and what a test does to it: kill, freeze, start again.

A service that cannot start fails the test; only where Apache Kafka cannot be downloaded at home it is skipped.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import jwt

from clickhouse.migrations import migrate
from shopstream.broker import TopicAdmin
from shopstream.contracts.topics import INPUTS, TOPICS
from shopstream.settings import Settings
from support.brokers import Brokers
from support.engine import ClickHouseServer
from support.events import Sent
from support.kafka import Follower, Kafka, Place
from support.migrated import copy_migrated
from support.processes import Child, free_port
from support.sql import Sql
from support.waiting import eventually
from support.warm import Command

GROUP = "shopstream"
ORDERS = "shop.orders"
DEADLETTERS = "shop.deadletters"
NOTICES = "shop.notices"
PARTITIONS = 4
FULL = bool(os.environ.get("SHOPSTREAM_FULL"))
"""The long runs, with the time-outs of production; see the tests for what they take."""
SESSION_SECONDS = 10.0 if FULL else 2.0
"""A pipeline that is silent for longer is out of its group."""
START = 30.0
"""Seconds a service may take to be ready, on a busy machine."""
COMMANDS: tuple[Command, ...] = ("pipeline", "api")


class System:
    """Broker, engine, any number of pipelines, an API. As `with System(folder) as system`.

    One broker of its own unless others are given; those that run already outlive the system.
    """

    def __init__(
        self,
        folder: Path,
        partitions: int = PARTITIONS,
        session_seconds: float = SESSION_SECONDS,
        brokers: Brokers | None = None,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._secret = secrets.token_hex(32)
        self.port = self._port = free_port()
        self.brokers = Brokers(folder) if brokers is None else brokers
        self._ours = not any(node.running for node in self.brokers.nodes)
        self.bootstrap = self.brokers.bootstrap
        self.clickhouse = ClickHouseServer(folder)
        url = self.clickhouse.url()
        self._env = {
            "SHOPSTREAM_KAFKA_BOOTSTRAP": self.bootstrap,
            "SHOPSTREAM_CLICKHOUSE_URL": url,
            "SHOPSTREAM_KAFKA_PARTITIONS": str(partitions),
            "SHOPSTREAM_KAFKA_REPLICATION": str(self.brokers.replication),
            "SHOPSTREAM_KAFKA_SESSION_TIMEOUT": f"{session_seconds:g}",
            "SHOPSTREAM_JWT_SECRET": self._secret,
        }
        self.settings = Settings(
            kafka_bootstrap=self.bootstrap,
            clickhouse_url=url,
            kafka_partitions=partitions,
            kafka_replication=self.brokers.replication,
            jwt_secret=self._secret,
        )
        self.sql: Sql = self.clickhouse.sql()
        self.broker = self.brokers.nodes[0]
        self.engine = self.clickhouse.child
        self.api = self._child("api", _python("api"), SHOPSTREAM_PORT=str(self._port))
        self.pipelines: list[Child] = []
        self._more: list[Child] = []
        self.apis: dict[int, Child] = {}
        self._status: dict[str, int] = {}
        self.ends: dict[tuple[str, int], int] = {
            (t, p): 0 for t in INPUTS for p in range(partitions)
        }
        self.kafka = Kafka(self.bootstrap)
        self._notices: Follower | None = None
        self._told: dict[tuple[str, int], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self, pipelines: int = 1, api: bool = False) -> Self:
        """Everything, ready."""
        try:
            self.start_broker()
            self.start_engine()
            self.migrate()
            for _ in range(pipelines):
                self.add_pipeline()
            if api:
                self.start_api()
            for pipeline in self.pipelines:
                self.until_ready(pipeline)
        except BaseException:
            self.end()
            raise
        return self

    def end(self) -> None:
        """kill -9 of all, frozen ones too; a report of what they said if a test failed is in `folder`."""
        self._forget_notices()
        for child in self.children:
            child.kill()

    @property
    def children(self) -> list[Child]:
        brokers = self.brokers.nodes if self._ours else ()
        return [*self.pipelines, self.api, *self._more, self.engine, *brokers]

    # -- the parts ---------------------------------------------------------------------------

    def start_broker(self) -> None:
        """Also after a kill."""
        self.brokers.start()
        self.kafka = Kafka(self.bootstrap)
        self._forget_notices()
        self._until(self.broker, self._make_topics)

    def start_engine(self) -> None:
        if not self.clickhouse.path.exists():
            copy_migrated(self.clickhouse.path)
        self.clickhouse.start()

    def migrate(self) -> None:
        """Nearly everything was done before (`copy_migrated`)."""
        migrate(self.settings)

    def add_pipeline(self, command: list[str] | None = None, **env: str) -> Child:
        """Starts one more, on the metrics port of its own, with more in its environment."""
        name = f"pipeline-{len(self.pipelines) + 1}"
        self._status[name] = port = free_port()
        env["SHOPSTREAM_METRICS_PORT"] = str(port)
        child = self._child(name, command or _python("pipeline"), **env)
        self.pipelines.append(child)
        child.start()
        return child

    @property
    def environment(self) -> dict[str, str]:
        """Of a command that works on this system."""
        return {**os.environ, **self._env}

    def start_api(self) -> None:
        self.api.start()
        self._until(self.api, lambda: self.get("/ready")[0] == 200)

    def until_told(self) -> None:
        """Waits until the API knows how far the reports are."""
        eventually(lambda: json.loads(self.get("/ready")[1])["pipeline"] == "ok", START)

    def add_api(self, command: list[str] | None = None, **env: str) -> int:
        """One more API process, with more in its environment; its port."""
        port = free_port()
        child = self._child(
            f"api-{port}", command or _python("api"), SHOPSTREAM_PORT=str(port), **env
        )
        self._more.append(child)
        self.apis[port] = child
        child.start()
        self.until_api(port)
        return port

    def until_api(self, port: int) -> None:
        """That one is ready."""
        self._until(self.apis[port], lambda: self.get("/ready", port=port)[0] == 200)

    def token(self, shop: str, user: str = "test", role: str = "admin", **more: Any) -> str:
        """Of a user of a shop."""
        claims = {"sub": user, "shops": [shop], "role": role, "exp": 4102444800, **more}
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def until_ready(self, pipeline: Child, within: float = START) -> None:
        """It has partitions, and both services answer it."""
        port = self._status[pipeline.name]
        self._until(pipeline, lambda: _get(port, "/ready")[0] == 200, within)

    def metrics(self, pipeline: Child) -> str:
        return _get(self._status[pipeline.name], "/metrics")[1].decode()

    def run(self, *arguments: str) -> str:
        """What `shopstream <arguments>` prints; it must end with exit code 0."""
        command = [sys.executable, "-m", "shopstream", *arguments]
        env = self.environment
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def revive(self) -> list[Child]:
        """Starts again what ended on its own, as `shopstream up` does; which."""
        fallen = [child for child in self.pipelines if child.fell()]
        for child in fallen:
            child.start()
        return fallen

    # -- input -------------------------------------------------------------------------------

    def produce(self, records: Iterable[Sent], kafka: Kafka | None = None) -> list[Place]:
        """Sends records in their order; where each is, once the broker has them all."""
        return (kafka or self.kafka).produce(records, self.produced)

    def produced(self, place: Place) -> None:
        """The broker has this record: it must be in the numbers."""
        partition = (place.topic, place.partition)
        if partition in self.ends:
            self.ends[partition] = max(self.ends[partition], place.offset + 1)

    def settle(self, within: float = 60.0, revive: bool = False) -> None:
        """Everything that was produced is behind the offsets that the broker holds for the group.

        That is the broker's word, not a number under test. With `revive`, pipelines that end on their
        own are started again; without it, that fails the test.
        """

        def all_in() -> bool:
            if revive:
                self.revive()
            self._nothing_fell()
            found = self.kafka.committed(GROUP, self.ends)
            return all(max(found[place], 0) >= end for place, end in self.ends.items())

        eventually(all_in, within, f"committed offsets at {self.ends}", pause=0.05)

    def caught_up(self, within: float = 60.0) -> None:
        """The pipeline says that everything produced is in the reports.

        Sooner than `settle`, as commits come once a second; a false word shows as a difference. Not for
        a replay: what was said before it is not taken back.
        """
        if self._notices is None:
            self._notices = Follower(self.bootstrap, NOTICES)

        def said() -> bool:
            self._nothing_fell()
            assert self._notices is not None
            for value in self._notices.new():
                for topic, partition, _, reached, _ in _partitions(value):
                    self._told[topic, partition] = max(
                        reached, self._told.get((topic, partition), 0)
                    )
            return all(self._told.get(place, 0) >= end for place, end in self.ends.items())

        eventually(said, within, f"progress at {self.ends}", pause=0)

    def replay(self) -> None:
        """Everything in the topics once more: every pipeline ends, the offsets go to 0, they start.

        Needs a group without members, so that none of them writes an offset afterwards.
        """
        for pipeline in self.pipelines:
            if pipeline.running:
                assert pipeline.stop() == 0, pipeline.tail()
        self.kafka.rewind(GROUP, self.ends)
        for pipeline in self.pipelines:
            pipeline.start()

    def dead_letters(self) -> list[dict[str, Any]]:
        return [json.loads(read.value or b"") for read in self.kafka.whole(DEADLETTERS)]

    # -- reports -----------------------------------------------------------------------------

    def get(
        self, path: str, shops: Iterable[str] = (), port: int | None = None
    ) -> tuple[int, bytes]:
        """From the API, or the one at `port`, as an admin of these shops."""
        claims = {"sub": "test", "shops": list(shops), "role": "admin", "exp": 4102444800}
        token = jwt.encode(claims, self._secret, algorithm="HS256")
        return _get(port or self._port, path, {"Authorization": f"Bearer {token}"})

    def ask(self, path: str, token: str, port: int | None = None) -> tuple[int, bytes]:
        """The same with a token."""
        return _get(port or self._port, path, {"Authorization": f"Bearer {token}"})

    def reader(self, shops: Iterable[str]) -> Callable[[str, date], dict[str, Any]]:
        """Asks for daily reports over one connection; numbers come exact."""
        claims = {"sub": "test", "shops": list(shops), "role": "admin", "exp": 4102444800}
        token = jwt.encode(claims, self._secret, algorithm="HS256")
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)

        def daily(shop: str, day: date) -> dict[str, Any]:
            query = urlencode({"shopId": shop, "date": day.isoformat()})
            path = f"/reports/daily-sales?{query}"
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, (answer.status, body)
            return exact(body)

        return daily

    # -- inside ------------------------------------------------------------------------------

    def _forget_notices(self) -> None:
        self._told.clear()
        if self._notices is not None:
            self._notices.close()
            self._notices = None

    def _make_topics(self) -> bool:
        with TopicAdmin(self.settings, 2.0) as admin:
            try:
                admin.create_missing(TOPICS)
            except Exception as error:
                raise OSError(str(error)) from error
        return True

    def _nothing_fell(self) -> None:
        fallen = [child for child in self.children if child.fell()]
        assert not fallen, "\n".join(child.tail() for child in fallen)

    def _until(self, child: Child, ready: Callable[[], bool], within: float = START) -> None:
        def asked() -> bool:
            assert child.running, child.tail()
            return ready()

        try:
            eventually(asked, within, f"{child.name} ready")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{child.tail()}") from error

    def _child(self, name: str, command: list[str], **env: str) -> Child:
        common = {**self._env, "PYTHONUNBUFFERED": "1", "HOME": os.environ.get("HOME", "/tmp")}
        log = self.folder / f"{name}.log"
        ours = "PYTHONPATH" not in env
        warm = next((c for c in COMMANDS if ours and command == _python(c)), None)
        return Child(name, command, log, {**common, **env}, warm)


def _partitions(value: bytes) -> list[list[Any]]:
    event = json.loads(value)
    found: list[list[Any]] = event["data"].get("partitions", [])
    return found


def exact(body: bytes) -> Any:
    """JSON whose numbers are decimals."""
    return json.loads(body, parse_float=Decimal, parse_int=Decimal)


def _python(part: str) -> list[str]:
    return [sys.executable, "-m", "shopstream", part]


def _get(port: int, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
