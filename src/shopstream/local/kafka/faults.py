"""What keeps Kafka from running on this machine."""

from shopstream.local.faults import LocalFault


class KafkaNotInstalled(LocalFault):
    """Kafka cannot be run here; `str()` is a sentence that says what to do."""
