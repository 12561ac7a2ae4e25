"""What keeps Kafka from running on this machine."""

from shopstream.faults import Fault


class KafkaNotInstalled(Fault):
    """Kafka cannot be run here; `str()` is a sentence that says what to do."""
