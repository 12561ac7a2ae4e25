"""Whether the broker keeps a repeated record apart from a new one, also after its restart."""

from kafka.protocol.producer import InitProducerIdRequest

from shopstream.kafka import TopicAdmin

TRANSACTION_MS = 60_000


def can_be_idempotent(admin: TopicAdmin) -> bool:
    """Asks as a producer does that lost its place: for a fresh id, then to go on with that id.

    Kafka answers both. The embedded broker answers only the first, so an idempotent producer would not
    survive its restart. A login that may not ask, and a broker that knows no such request, say no too.

    Raises:
        BrokerUnreachable: no broker answers.
    """
    producer = (-1, -1)
    for _ in range(2):
        answer = admin.ask(
            InitProducerIdRequest(
                transactional_id=None,
                transaction_timeout_ms=TRANSACTION_MS,
                producer_id=producer[0],
                producer_epoch=producer[1],
                min_version=3,
            )
        )
        if answer is None or answer.error_code != 0:
            return False
        producer = (answer.producer_id, answer.producer_epoch)
    return True
