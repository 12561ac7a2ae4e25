"""Numbers keep their text, and no bytes make the parser slow or deep."""

import sys
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopstream.contracts import json_text
from shopstream.contracts.json_text import MAX_SIGNS, NotJson, Number, parse, too_complex, too_deep


def nested(levels):
    return b"[" * levels + b"]" * levels


def test_numbers_keep_their_text():
    assert parse(b'{"a": 1.50, "b": [-0, 1E+2, 1e400]}') == {
        "a": Number("1.50"),
        "b": [Number("-0"), Number("1E+2"), Number("1e400")],
    }


def test_text_and_the_three_words_are_themselves():
    assert parse(b'["\\u00e9\\ud83d\\ude00\\n", true, false, null]') == ["é😀\n", True, False, None]


def test_of_repeated_keys_the_last_one_stands():
    assert parse(b'{"a": 1, "a": 2, "\\u0061": 3}') == {"a": Number("3")}


def test_an_escaped_backslash_before_a_surrogate_is_plain_text():
    assert parse(b'"\\\\ud800"') == "\\ud800"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"", "the record has no bytes"),
        (b" \t\r\n", "the record has no bytes"),
        (b"[NaN]", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b'["\xc3"]', "not UTF-8 at byte 2"),
        (b'["\\udfff"]', "a text has half of a surrogate pair"),
        (b'{"\\ud83d": 1}', "a text has half of a surrogate pair"),
        (b'[{"a": "\\ude00\\ud83d"}]', "a text has half of a surrogate pair"),
        (b"[1 2]", "Expecting ',' delimiter at character 3"),
        (nested(129), "the document is nested more than 128 levels deep"),
        (b"[" * 300_000, "the document is nested more than 128 levels deep"),
    ],
)
def test_what_is_no_json_says_why(value, why):
    with pytest.raises(NotJson) as caught:
        parse(value)
    assert str(caught.value) == why


def test_128_levels_are_read_and_129_are_not():
    assert parse(nested(128))
    assert not too_deep(nested(128))
    assert too_deep(nested(129))
    assert too_deep(b'{"a":' * 129 + b"1" + b"}" * 129)


def test_levels_are_not_counted_in_texts_nor_side_by_side():
    assert not too_deep(b'["' + b"[" * 1000 + b'"]')
    assert not too_deep(b'["\\"' + b"[" * 1000 + b'"]')
    assert not too_deep(b"[" + b"[]," * 1000 + b"[]]")
    assert too_deep(b'["\\\\",' + nested(128) + b"]")


def test_brackets_behind_a_text_that_is_left_open_do_not_count():
    assert not too_deep(b'["' + b"[" * 1000)


@pytest.mark.parametrize("left_open", [b'\\"', b'"', b"\\", b"\\\\"])
def test_half_a_megabyte_of_quotes_is_looked_through_once(left_open):
    value = b"[" + b"[]," * 200 + b'"' + left_open * (500_000 // len(left_open))
    began = process_time()
    too_deep(value)
    assert process_time() - began < 2


TOKENS = st.sampled_from(
    [*"[]{},:", '"a"', '"[{"', '"\\\\"', '"\\\\\\\\"', '"\\"]"', '"\\\\\\"["', "1"]
)


@given(st.lists(TOKENS, max_size=60))
def test_without_numpy_the_depth_is_the_same(tokens):
    value = "".join(tokens).encode()
    assert json_text.depth_by_text(value) == json_text.depth_by_column(value)


def test_without_numpy_what_is_too_deep_is_too():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "numpy", None)
        assert not too_deep(nested(128))
        assert too_deep(nested(129))


@pytest.mark.parametrize("sign", [b",", b"[", b"]", b"{", b"}"])
def test_commas_and_brackets_are_counted_wherever_they_stand(sign):
    assert not too_complex(b'"' + sign * MAX_SIGNS + b'"')
    assert too_complex(b'"' + sign * (MAX_SIGNS + 1) + b'"')
    assert not too_complex(b":" * 10 * MAX_SIGNS)
