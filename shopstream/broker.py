"""What every process needs of Kafka: how to connect, which topics are there, their ids.

`TopicAdmin` blocks; from async code call it with `asyncio.to_thread`. Nothing here retries: the
caller does, with its own back-off, when it meets `BrokerUnreachable`.
"""

import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self, TypeVar
from uuid import UUID

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, NewTopic
from kafka.errors import KafkaError

from shopstream.contracts.topics import Topic
from shopstream.faults import Fault
from shopstream.settings import PREFIX, Settings, SettingsError

T = TypeVar("T")
ALREADY_EXISTS = 36
KEPT_WHOLE = {
    "cleanup.policy": "delete",
    "max.message.bytes": "1048588",
    "retention.bytes": str(512 * 1024 * 1024),
}
"""Settings that decide whether every record stays for its time, as Kafka has them unless it was told
otherwise: not set by us, but told where the broker has others."""
AT_LEAST = {"max.message.bytes", "retention.bytes"}
UNLIMITED = "-1"


class BrokerUnreachable(Fault):
    """No broker answers at `address` (host:port, several with commas)."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"Kafka does not answer at {address} ({reason}).")
        self.address = address
        self.reason = reason


class TopicRefused(Fault):
    """The broker would not create `topic`."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"Kafka refused to create the topic {topic}: {reason}.")
        self.topic = topic


@dataclass(frozen=True, slots=True)
class TopicDifference:
    """A topic that is not as we want it: `name` is `partitions`, `replication` or a config key."""

    topic: str
    name: str
    wanted: str
    found: str | None

    def __str__(self) -> str:
        return f"{self.topic}: {self.name} is {self.found or 'not set'}, not {self.wanted}"


@dataclass(frozen=True, slots=True)
class TopicReport:
    """What `create_missing` did and what it left as it was."""

    created: tuple[str, ...]
    differs: tuple[TopicDifference, ...]


def addresses(settings: Settings) -> list[str]:
    return [address.strip() for address in settings.kafka_bootstrap.split(",")]


def client_options(settings: Settings) -> dict[str, Any]:
    """Where to connect and how to prove who we are, for any client of kafka-python or aiokafka.

    Raises:
        SettingsError: a certificate file cannot be read.
    """
    protocol, password = settings.kafka_security_protocol, settings.kafka_sasl_password
    options: dict[str, Any] = {"bootstrap_servers": addresses(settings)}
    options["security_protocol"] = protocol
    if protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if protocol.startswith("SASL") and password:
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_sasl_username
        options["sasl_plain_password"] = password.get_secret_value()
    return options


def epoch_of(topic_id: UUID) -> int:
    """The epoch of a topic (UInt32): the CRC32 of its topic id, so another number once it was recreated
    (`pipeline/epochs.py`)."""
    return zlib.crc32(topic_id.bytes)


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    name = "KAFKA_SSL_CAFILE"
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ssl_cafile)
        name = "KAFKA_SSL_CERTFILE"
        if settings.kafka_ssl_certfile:
            context.load_cert_chain(settings.kafka_ssl_certfile, settings.kafka_ssl_keyfile)
    except OSError as error:
        raise SettingsError(f"{PREFIX}{name}: cannot be used ({error})") from None
    return context


class TopicAdmin:
    """Creates and describes topics. One connection, opened at the first call and kept; calls from several
    threads wait for each other.

    Every method raises `BrokerUnreachable` when no broker answers within `timeout` seconds.
    """

    def __init__(self, settings: Settings, timeout: float = 5.0) -> None:
        self._settings = settings
        self._timeout = timeout
        self._client: Any = None
        self._one_at_a_time = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; the next call opens another."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(OSError):
                client.close()

    def create_missing(self, topics: Iterable[Topic]) -> TopicReport:
        """Creates those of `topics` that do not exist and says how any differs; changes none.

        Raises:
            TopicRefused: the broker would not create one of them.
        """
        wanted = list(topics)
        found = self.partitions(topic.name for topic in wanted)
        missing = [topic for topic in wanted if not found[topic.name]]
        if missing:
            self._call(lambda client: self._create(client, missing))
        return TopicReport(tuple(topic.name for topic in missing), tuple(self._differences(wanted)))

    def topic_ids(self, names: Iterable[str]) -> dict[str, UUID | None]:
        """The id of each topic; None where it does not exist (or the broker knows no ids)."""
        return {name: _topic_id(about) for name, about in self._describe(list(names)).items()}

    def partitions(self, names: Iterable[str]) -> dict[str, int]:
        """The number of partitions of each topic; 0 where it does not exist."""
        return {
            name: len(about["partitions"]) for name, about in self._describe(list(names)).items()
        }

    def find_group(self, group: str) -> None:
        """Returns once a broker coordinates the group; the first time Kafka makes its topic of offsets for that."""
        self._call(lambda client: client.describe_groups([group]))

    def _describe(self, names: list[str]) -> dict[str, dict[str, Any]]:
        described = self._call(lambda client: client.describe_topics(names)) if names else []
        known = {about["name"]: about for about in described if about["error_code"] == 0}
        return {name: known.get(name, {"partitions": [], "topic_id": None}) for name in names}

    def _create(self, client: Any, topics: list[Topic]) -> None:
        new = [
            NewTopic(
                topic.name,
                num_partitions=self._wanted_partitions(topic),
                replication_factor=self._settings.kafka_replication,
                topic_configs=topic.config,
            )
            for topic in topics
        ]
        answer = client.create_topics(new, raise_errors=False)
        for result in answer["topics"]:
            if result["error_code"] not in (0, ALREADY_EXISTS):
                reason = result.get("error_message") or f"error {result['error_code']}"
                raise TopicRefused(result["name"], reason)
        client.wait_for_topics([topic.name for topic in topics])

    def _wanted_partitions(self, topic: Topic) -> int:
        return topic.partitions or self._settings.kafka_partitions

    def _differences(self, topics: list[Topic]) -> Iterable[TopicDifference]:
        if not topics:
            return
        described = self._describe([topic.name for topic in topics])
        resources = [ConfigResource("TOPIC", topic.name) for topic in topics]
        answer = self._call(lambda client: client.describe_configs(resources, config_filter="all"))
        for topic in topics:
            name, partitions = topic.name, described[topic.name]["partitions"]
            copies = {len(each["replica_nodes"]) for each in partitions}
            counts = {
                "partitions": (self._wanted_partitions(topic), len(partitions)),
                "replication": (self._settings.kafka_replication, min(copies, default=0)),
            }
            for what, (wanted, found) in counts.items():
                if wanted != found:
                    yield TopicDifference(name, what, str(wanted), str(found))
            stored = answer.get("topic", {}).get(name, {})
            for key, value in _config_differences(topic, stored):
                yield TopicDifference(name, key, value, stored.get(key, {}).get("value"))

    def _call(self, work: Callable[[Any], T]) -> T:
        with self._one_at_a_time:
            try:
                if self._client is None:
                    self._client = _connect(self._settings, self._timeout)
                return work(self._client)
            except (KafkaError, OSError) as error:
                self.close()
                reason = str(error) or type(error).__name__
                raise BrokerUnreachable(self._settings.kafka_bootstrap, reason) from error


def _config_differences(topic: Topic, stored: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Keys with the value wanted of each that the broker has another for."""
    known = {key: value for key, value in KEPT_WHOLE.items() if key in stored}
    for key, wanted in sorted({**known, **topic.config}.items()):
        found = stored.get(key, {}).get("value")
        enough = key in AT_LEAST and found is not None
        enough = enough and (found == UNLIMITED or int(found) >= int(wanted))
        if found != wanted and not enough:
            yield key, wanted


def _connect(settings: Settings, timeout: float) -> Any:
    _knock(settings, timeout)
    limit_ms = int(timeout * 1000)
    admin = KafkaAdminClient.__new__(KafkaAdminClient)
    try:
        admin.__init__(
            **client_options(settings), bootstrap_timeout_ms=limit_ms, request_timeout_ms=limit_ms
        )
    except (KafkaError, OSError):
        # its thread would outlive the failed start
        with suppress(AttributeError):
            admin._net.stop()
        raise
    return admin


def _knock(settings: Settings, timeout: float) -> None:
    """A refused connection is known at once; the client would try until its time-out."""
    reason: OSError | None = None
    for address in addresses(settings):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout).close()
        except OSError as error:
            reason = error
        else:
            return
    raise BrokerUnreachable(settings.kafka_bootstrap, str(reason))


def _topic_id(about: dict[str, Any]) -> UUID | None:
    given = about.get("topic_id")
    topic_id = UUID(str(given)) if given else None
    return topic_id if topic_id and topic_id.int else None
