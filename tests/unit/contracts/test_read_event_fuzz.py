"""No bytes at all make `read_event` raise anything but `Refused`."""

import random
import re

from hypothesis import given
from hypothesis import strategies as st
from record_mutations import any_value, change, fuzz, mangled, record, text_of
from record_values import valid

from shopstream.contracts.events import DATA, Event, read_event
from shopstream.contracts.reject import Reason, Refused
from shopstream.contracts.schema import Many, Shape
from shopstream.contracts.topics import BY_NAME, INPUTS, ORDERS

SEEDS = st.integers(0, 2**64 - 1)
PATH = r"specversion|id|source|type|time|shopid|userid|shopstreambackfill|data(\.[A-Za-z]+(\[\d+\](\.[A-Za-z]+)?)?)?"


def outcome(value: bytes | None, topic: str = ORDERS) -> Event | None:
    """The event; None where the record is refused as the contract has it."""
    try:
        event = read_event(value, topic)
    except Refused as error:
        refusal = error.refusal
        assert refusal.reason in set(Reason)
        assert refusal.field is None or _known(refusal.field)
        assert refusal.message.isprintable() and len(refusal.message) < 300
        assert (refusal.field is None) == (
            refusal.reason in (Reason.TOO_LARGE, Reason.TOO_COMPLEX, Reason.NOT_JSON)
            or refusal.message.startswith("the record is ")
        )
        return None
    assert event.type in BY_NAME[topic].types
    assert event.data.keys() == {field.name for field in DATA[event.type].fields}
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
    dice = random.Random(seed)
    topic = dice.choice(INPUTS)
    outcome(mangled(dice, topic), topic)


@fuzz(2)
@given(SEEDS)
def test_records_with_any_values_are_accepted_or_refused(seed):
    dice = random.Random(seed)
    topic = dice.choice(INPUTS)
    document = valid(dice, topic)
    for _ in range(dice.randrange(1, 6)):
        change(dice, document, True)
    value = text_of(dice, document, False, False).encode(errors="surrogatepass")
    outcome(value, dice.choice([topic, topic, topic, *INPUTS]))


@fuzz(4)
@given(SEEDS)
def test_any_json_value_alone_is_refused(seed):
    dice = random.Random(seed)
    value = text_of(dice, any_value(dice, True), True, True).encode()
    assert outcome(value, dice.choice(INPUTS)) is None


@fuzz(4)
@given(SEEDS)
def test_a_record_that_was_not_changed_is_accepted_however_it_is_written(seed):
    dice = random.Random(seed)
    topic = dice.choice(INPUTS)
    document = valid(dice, topic)
    plain = outcome(text_of(dice, document, False, False).encode(), topic)
    odd = outcome(text_of(dice, document, True, True).encode(), topic)
    assert plain is not None
    assert odd == plain


def test_the_records_of_these_tests_are_refused_for_every_reason_in_every_field():
    """But for `in_the_future`, which only the time of arrival can tell."""
    found = set()
    for topic in INPUTS:
        shapes = [DATA[kind] for kind in BY_NAME[topic].types]
        missing = {path for shape in shapes for path in _paths(shape, True)}
        bad = {path for shape in shapes for path in _paths(shape, False)}
        wanted = {(Reason.MISSING_FIELD, path) for path in missing}
        wanted |= {(Reason.BAD_VALUE, path) for path in bad}
        refusals = _refusals(topic, wanted)
        assert wanted <= refusals
        found |= {reason for reason, _ in refusals}
    assert found == set(Reason) - {Reason.IN_THE_FUTURE}


def _refusals(topic: str, wanted: set[tuple[Reason, str]]) -> set[tuple[Reason, str]]:
    """With the paths of the fields, in which no item has a number; of 2,000 records, or until all are there."""
    dice = random.Random(topic)
    found: set[tuple[Reason, str]] = set()
    for number in range(20_000):
        if number >= 2000 and wanted <= found:
            break
        try:
            read_event(record(dice, topic) if dice.randrange(9) else mangled(dice, topic), topic)
        except Refused as error:
            found.add((error.refusal.reason, re.sub(r"\[\d+\]", "", error.refusal.field or "")))
    return found


def _paths(shape: Shape, required: bool, path: str = "data") -> set[str]:
    """Of the fields, or of the required ones."""
    found: set[str] = set()
    for field in shape.fields:
        where = f"{path}.{field.name}"
        if field.required or not required:
            found |= {where}
        if isinstance(field.rule, Many):
            found |= _paths(field.rule.shape, required, where)
    return found
