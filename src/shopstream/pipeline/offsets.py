"""Offsets that were committed for a topic which has been made again mean nothing; here they are forgotten."""

import logging
from collections.abc import Iterable
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from shopstream.contracts.cursor import Partition
from shopstream.kafka import BrokerUnreachable, client_options
from shopstream.settings import Settings

logger = logging.getLogger(__name__)


def forget(settings: Settings, group: str, places: Iterable[Partition]) -> None:
    """Deletes the committed offsets of these partitions, where there are any. Blocking.

    Raises:
        BrokerUnreachable: also while another member of the group still reads them; try again.
    """
    try:
        admin: Any = KafkaAdminClient(**client_options(settings))
        try:
            _forget(admin, group, [TopicPartition(*place) for place in places])
        finally:
            admin.close()
    except KafkaError as error:
        raise BrokerUnreachable(settings.kafka_bootstrap, str(error)) from error


def _forget(admin: Any, group: str, places: list[TopicPartition]) -> None:
    stored = admin.list_group_offsets({group: places}).get(group, {})
    stale = [place for place, found in stored.items() if found.offset >= 0]
    if not stale:
        return
    logger.warning("%s were made again: their committed offsets are forgotten", stale)
    for place, error in admin.delete_group_offsets(group, stale).items():
        if getattr(error, "errno", 0):
            raise KafkaError(f"offset of {place} is in use: {error.__name__}")
