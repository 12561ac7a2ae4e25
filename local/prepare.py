"""What our own servers need before anything else starts: `python -m local.prepare topics|schema`.

In a process of its own: the libraries that it loads would stay in the memory of `up`.
"""

import sys
import time
from contextlib import suppress

from shopstream.settings import Settings, load

GROUP = "shopstream"
GROUP_SECONDS = 10.0


def topics(settings: Settings) -> None:
    """Creates the topics that are missing.

    Raises:
        BrokerUnreachable, TopicRefused: from Kafka.
    """
    from shopstream.broker import TopicAdmin
    from shopstream.contracts.topics import TOPICS

    with TopicAdmin(settings) as admin:
        admin.create_missing(TOPICS)


def own_topics(settings: Settings) -> None:
    """The same on our own broker, which is then asked for its topic of offsets, so that it makes that too.

    Without it the first worker would report a coordinator that is not there yet.
    """
    from shopstream.broker import BrokerUnreachable, TopicAdmin

    topics(settings)
    deadline = time.monotonic() + GROUP_SECONDS
    with TopicAdmin(settings) as admin:
        while time.monotonic() < deadline:
            with suppress(BrokerUnreachable):
                admin.find_group(GROUP)
                return
            time.sleep(0.1)


def schema(settings: Settings) -> None:
    """Brings the ClickHouse schema to this version; raises what the engine says."""
    from clickhouse.migrations import migrate

    migrate(settings)


if __name__ == "__main__":
    {"topics": own_topics, "schema": schema}[sys.argv[1]](load())
