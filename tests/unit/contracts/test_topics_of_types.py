"""Which reason a type gets on which topic."""

import pytest
from contract_samples import GONE, event, refused
from event_samples import PLAIN, event_of

from shopstream.contracts.topics import INPUTS, TOPIC_OF_TYPE

SYSTEM = ["stock:low", "stock:recovered", "report:updated", "record:refused"]


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("topic", INPUTS)
def test_a_type_is_read_on_its_own_topic_and_on_no_other(kind, topic):
    told = None if TOPIC_OF_TYPE[kind] == topic else ("wrong_topic", "type")
    assert refused(event_of(kind), topic) == told


@pytest.mark.parametrize("topic", INPUTS)
@pytest.mark.parametrize("kind", SYSTEM)
def test_what_the_system_says_is_on_the_wrong_topic_when_a_shop_says_it(kind, topic):
    assert refused(event(type=kind, data={}), topic) == ("wrong_topic", "type")
    assert refused(event(type=kind, data=GONE, shopid=GONE), topic) == ("wrong_topic", "type")


@pytest.mark.parametrize("topic", INPUTS)
@pytest.mark.parametrize(
    "kind",
    [
        "order:deleted",
        "orders:created",
        "Shop:updated",
        "shop.orders",
        " shop:updated",
        "stock:gone",
        "presence:changed",
        "pipeline:progress",
        "stream:ready",
        "purchase:",
        ":updated",
        "x" * 1000,
    ],
)
def test_a_type_that_is_of_no_topic_is_unknown_on_every_one(kind, topic):
    assert refused(event(type=kind), topic) == ("unknown_type", "type")
    assert refused(event(type=kind, shopid=GONE, data=[]), topic) == ("unknown_type", "type")


@pytest.mark.parametrize("topic", INPUTS)
def test_what_is_no_cloudevent_is_so_on_every_topic(topic):
    assert refused(event(specversion="0.3"), topic) == ("not_cloudevent", "specversion")
    assert refused(event(type=GONE), topic) == ("not_cloudevent", "type")
    assert refused(b"{", topic) == ("not_json", None)
    assert refused(b" " * (512 * 1024 + 1), topic) == ("too_large", None)
