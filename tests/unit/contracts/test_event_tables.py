"""What no type checker sees: types, topics and shapes agree."""

from shopstream.contracts import topics
from shopstream.contracts.events import DATA
from shopstream.contracts.order import NOT_COUNTED, ORDER, STATUSES
from shopstream.contracts.topics import BY_NAME, INPUTS, TOPIC_OF_TYPE, TOPICS


def test_every_type_that_is_read_is_of_a_topic_that_shops_write():
    assert {TOPIC_OF_TYPE[kind] for kind in DATA} <= set(INPUTS)


def test_a_type_is_of_one_topic():
    assert len(TOPIC_OF_TYPE) == sum(len(topic.types) for topic in TOPICS)


def test_the_types_are_those_of_the_contract():
    assert {topic.name: topic.types for topic in TOPICS} == {
        "shop.orders": ("order:created", "order:updated"),
        "shop.inventory": ("inventory:updated",),
        "shop.payments": ("payment:received", "payment:failed"),
        "shop.suppliers": ("supplier:updated",),
        "shop.purchases": ("purchase:created", "purchase:received"),
        "shop.traffic": ("storefront:visited",),
        "shop.settings": ("shop:updated",),
        "shop.alerts": ("stock:low", "stock:recovered"),
        "shop.notices": ("report:updated",),
        "shop.deadletters": ("record:refused",),
    }


def test_the_place_of_a_topic_in_cursors_never_changes():
    assert [topic.name for topic in TOPICS] == [
        topics.ORDERS,
        topics.INVENTORY,
        topics.PAYMENTS,
        topics.SUPPLIERS,
        topics.PURCHASES,
        topics.TRAFFIC,
        topics.SETTINGS,
        topics.ALERTS,
        topics.NOTICES,
        topics.DEADLETTERS,
    ]
    assert set(INPUTS) < set(BY_NAME)


def test_what_is_not_counted_is_a_status():
    assert set(STATUSES) > NOT_COUNTED == {"cancelled", "failed", "refunded"}


def test_the_fields_of_an_order_are_those_of_the_contract():
    required = [field.name for field in ORDER.fields if field.required]
    optional = [field.name for field in ORDER.fields if not field.required]
    assert required == ["orderId", "status", "currency", "createdAt", "updatedAt", "items"]
    assert optional == ["revision", "customerId", "total", "refundedTotal"]
