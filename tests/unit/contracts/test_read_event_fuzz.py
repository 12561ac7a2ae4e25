"""No bytes at all make `read_event` raise anything but `Refused`."""

import random
import re

from hypothesis import given
from hypothesis import strategies as st
from record_mutations import any_value, change, fuzz, mangled, text_of, valid

from shopstream.contracts.events import Event, read_event
from shopstream.contracts.order import order
from shopstream.contracts.reject import Reason, Refused
from shopstream.contracts.topics import ORDERS, PAYMENTS

SEEDS = st.integers(0, 2**64 - 1)
PATH = r"specversion|id|source|type|time|shopid|userid|data(\.[A-Za-z]+(\[\d+\](\.[A-Za-z]+)?)?)?"


def outcome(value: bytes | None, topic: str = ORDERS) -> Event | None:
    """The event; None where the record is refused as the contract has it."""
    try:
        event = read_event(value, topic)
    except Refused as error:
        refusal = error.refusal
        assert refusal.reason in set(Reason) - {Reason.ORDER_MOVED}
        assert refusal.field is None or _known(refusal.field)
        assert refusal.message.isprintable() and len(refusal.message) < 300
        assert (refusal.field is None) == (
            refusal.reason in (Reason.TOO_LARGE, Reason.NOT_JSON)
            or refusal.message == "the record is not a JSON object"
        )
        return None
    assert order(event.data).items
    return event


def _known(field: str) -> bool:
    return re.fullmatch(PATH, field) is not None


@fuzz(4)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(value):
    assert outcome(value) is None


@fuzz(4)
@given(st.text(alphabet='{}[]",:\\0123456789eE+-. \n\tntfaulsrei', max_size=60))
def test_texts_of_json_letters_are_refused(text):
    assert outcome(text.encode()) is None


@fuzz()
@given(SEEDS)
def test_mangled_records_are_accepted_or_refused(seed):
    outcome(mangled(random.Random(seed)))


@fuzz(2)
@given(SEEDS)
def test_records_with_any_values_are_accepted_or_refused(seed):
    dice = random.Random(seed)
    document = valid(dice)
    for _ in range(dice.randrange(1, 6)):
        change(dice, document, True)
    value = text_of(dice, document, False, False).encode(errors="surrogatepass")
    outcome(value, dice.choice([ORDERS, PAYMENTS]))


@fuzz(4)
@given(SEEDS)
def test_any_json_value_alone_is_refused(seed):
    dice = random.Random(seed)
    assert outcome(text_of(dice, any_value(dice, True), True, True).encode()) is None


@fuzz(4)
@given(SEEDS)
def test_a_record_that_was_not_changed_is_accepted_however_it_is_written(seed):
    dice = random.Random(seed)
    document = valid(dice)
    plain = outcome(text_of(dice, document, False, False).encode())
    odd = outcome(text_of(dice, document, True, True).encode())
    assert plain is not None or _beyond_10_to_the_12(document)
    assert odd == plain


def _beyond_10_to_the_12(document) -> bool:
    items = dict(dict(document)["data"])["items"]
    return any(dict(line)["quantity"] > 1000 for line in items)
