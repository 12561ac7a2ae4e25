"""What no type checker sees: types, topics and shapes agree."""

from shopstream.contracts import topics
from shopstream.contracts.events import DATA, ENVELOPES
from shopstream.contracts.order import NOT_COUNTED, ORDER, STATUSES
from shopstream.contracts.schema import Many, Shape
from shopstream.contracts.system_events import SYSTEM
from shopstream.contracts.topics import BY_NAME, INPUTS, TOPIC_OF_TYPE, TOPICS
from shopstream.contracts.values import identifier


def test_the_types_that_are_read_are_those_of_the_topics_that_shops_write():
    assert set(DATA) == {kind for name in INPUTS for kind in BY_NAME[name].types}


def test_the_types_that_the_system_writes_are_those_of_the_other_topics():
    assert set(SYSTEM) == set(TOPIC_OF_TYPE) - set(DATA)


def test_the_thing_in_the_record_key_is_a_required_identifier_of_every_type_of_the_topic():
    assert {name: BY_NAME[name].entity for name in INPUTS} == {
        "shop.orders": "orderId",
        "shop.inventory": "productId",
        "shop.payments": "paymentId",
        "shop.suppliers": "supplierId",
        "shop.purchases": "purchaseId",
        "shop.traffic": "sessionId",
        "shop.settings": None,
    }
    for name in INPUTS:
        for kind in BY_NAME[name].types:
            first = DATA[kind].fields[0]
            entity = BY_NAME[name].entity
            if entity:
                assert (first.name, first.rule, first.required) == (entity, identifier, True)


def test_every_type_and_field_is_told_in_a_sentence():
    for shape in every_shape():
        assert shape.about.endswith(".")
        for field in shape.fields:
            assert field.about.endswith(".") or isinstance(field.rule, Shape), field.name


def test_what_stands_for_an_absent_field_is_0_or_nothing():
    defaults = {(f.name, f.default) for shape in every_shape() for f in shape.fields}
    given = {pair for pair in defaults if pair[1] is not None}
    assert given == {("revision", 0), ("refundedQuantity", 0), ("kind", "product")}


def every_shape():
    found = [*DATA.values(), *ENVELOPES.values()]
    return found + [f.rule.shape for s in found for f in s.fields if isinstance(f.rule, Many)]


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
        "shop.peers": (),
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
        topics.PEERS,
    ]
    assert set(INPUTS) < set(BY_NAME)


def test_what_is_not_counted_is_a_status():
    assert set(STATUSES) > NOT_COUNTED == {"cancelled", "failed", "refunded"}


def test_the_fields_of_an_order_are_those_of_the_contract():
    required = [field.name for field in ORDER.fields if field.required]
    optional = [field.name for field in ORDER.fields if not field.required]
    assert required == ["orderId", "status", "currency", "createdAt", "updatedAt", "items"]
    assert optional == [
        *("placedAt", "revision", "customerId", "total", "refundedTotal", "refunds"),
        *("taxTotal", "shippingTotal", "discountTotal", "tipTotal"),
    ]
