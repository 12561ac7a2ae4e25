"""The private names of Faust, mode and aiokafka that the transport builds on, checked at start."""

from __future__ import annotations

import inspect
from typing import Any

import aiokafka
import faust
from aiokafka.consumer.fetcher import Fetcher as KafkaFetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.transport import consumer as _consumer
from faust.transport.drivers import aiokafka as _driver
from mode.threads import QueueServiceThread, ServiceThread

VERSIONS = "faust-streaming>=0.15.2,<0.16 and aiokafka>=0.14,<0.15"

_METHODS: tuple[tuple[Any, str], ...] = (
    (
        _driver.Consumer,
        "_add_gap _clean_unacked_messages _commit _filter_tps_with_pending_acks _get_active_partitions _getmany"
        " _new_consumer_thread _new_offset _should_commit _wait_next_records add_future commit"
        " commit_and_end_transactions getmany maybe_wait_for_commit_to_finish on_buffer_drop on_buffer_full"
        " on_partitions_assigned on_partitions_revoked perform_seek verify_all_partitions_active wait_empty wait_first",
    ),
    (
        _driver.AIOKafkaConsumerThread,
        "_commit _create_worker_consumer _ensure_consumer _fetch_records on_start",
    ),
    (QueueServiceThread, "call_thread"),
    (ServiceThread, "_gather_remaining_tasks _shutdown_thread set_shutdown"),
    (_driver.Transport, "Consumer Producer"),
    (_driver, "DEFAULT_GENERATION_ID"),
    (KafkaFetcher, "_fetch_requests_routine _proc_fetch_request"),
)
_CALLS: tuple[tuple[Any, str], ...] = (
    # Attributes of instances, known by the code that sets or reads them.
    (_consumer.Consumer.__init__, "_unacked_messages"),
    (_consumer.Consumer.__init__, "_acked_index"),
    (_consumer.Consumer.__init__, "_buffered_partitions"),
    (_consumer.Consumer.__init__, "_read_offset"),
    (_consumer.Consumer._drain_messages, "_read_offset"),
    (_consumer.Consumer._drain_messages, "getmany"),
    (aiokafka.AIOKafkaConsumer.__init__, "_fetch_max_wait_ms"),
    (aiokafka.AIOKafkaConsumer.__init__, "_isolation_level"),
    (aiokafka.AIOKafkaConsumer.start, "_fetch_max_wait_ms"),
    (aiokafka.AIOKafkaConsumer.start, "_fetcher"),
    (KafkaFetcher._proc_fetch_request, "_client"),
    (KafkaFetcher._get_actions_per_node, "_fetch_max_wait_ms"),
    (KafkaFetcher._get_actions_per_node, "_records"),
    (GroupCoordinator.reset_generation, "generation"),
)


class TransportMismatch(Exception):
    """The installed Faust, mode or aiokafka lacks the private name `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The Kafka transport needs {name}, which the installed faust-streaming "
            f"{faust.__version__} with aiokafka {aiokafka.__version__} does not have; "
            f"install {VERSIONS}."
        )
        self.name = name


def check() -> None:
    """Raises `TransportMismatch`, naming the first private name that is missing."""
    for owner, names in _METHODS:
        for name in names.split():
            if not hasattr(owner, name):
                raise TransportMismatch(f"{_path(owner)}.{name}")
    for function, name in _CALLS:
        if name not in inspect.unwrap(function).__code__.co_names:
            raise TransportMismatch(f"{_path(function)} -> {name}")


def _path(owner: Any) -> str:
    if inspect.ismodule(owner):
        return owner.__name__
    return f"{owner.__module__}.{owner.__qualname__}"
