"""A broker of a test's own with our topics, to be stopped and started at will."""

from shopstream.contracts.topics import TOPICS
from shopstream.kafka import BrokerUnreachable, TopicAdmin
from shopstream.settings import Settings
from support.brokers import Brokers
from support.kafka import Kafka
from support.waiting import eventually


class OwnBroker:
    """As `with OwnBroker(brokers) as broker`: it runs and has our topics, four partitions each."""

    def __init__(self, brokers: Brokers) -> None:
        self.brokers = brokers
        self.settings = Settings(kafka_bootstrap=brokers.bootstrap, kafka_partitions=4)

    def __enter__(self) -> "OwnBroker":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        self.brokers.start()
        eventually(self._make_topics, 20, "topics", passing=(BrokerUnreachable,))

    def kill(self) -> None:
        for node in self.brokers.nodes:
            node.kill()

    def client(self) -> Kafka:
        """Another client than the product's; a new one after a start."""
        return Kafka(self.brokers.bootstrap)

    def _make_topics(self) -> bool:
        with TopicAdmin(self.settings) as admin:
            admin.create_missing(TOPICS)
        return True
