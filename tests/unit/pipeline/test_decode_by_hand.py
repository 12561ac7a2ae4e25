"""Records that try to slip through the fast path, one kind at a time."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from contract_samples import bytes_of, event, item, number, order
from decode_oracle import decoded, kafka_records, sure, told

from pipeline.decode import Run, chunk, columns, decode, shape
from pipeline.decode.text import whole
from shopstream.contracts.events import read_event
from shopstream.contracts.examples import example
from shopstream.contracts.json_text import MAX_SIGNS
from shopstream.contracts.topics import ORDERS, PAYMENTS, TOPIC_OF_TYPE

PLAIN = bytes_of(event())
SECOND = bytes_of(event(id="e-2", data=order(orderId="o-2")))
THIRD = bytes_of(event(id="e-3", data=order(orderId="o-3")))


def with_data(**changes):
    return bytes_of(event(data=order(**changes)))


def with_item(**changes):
    return with_data(items=[item(**changes)])


def with_extra(text):
    return PLAIN[:-1] + b', "extra": ' + text + b"}"


def test_a_row_has_every_column_of_an_order():
    value = bytes_of(
        event(
            userid="u-9",
            type="order:updated",
            data=order(
                createdAt="2026-11-22T23:30:00.123456789-01:00",
                placedAt="2026-11-20T23:30:00-01:00",
                revision=7,
                customerId="c-1",
                total=number("30.5"),
                refundedTotal="0.0001",
                items=[
                    item(
                        name="Tea",
                        refundedQuantity=1,
                        refundedTotal="2",
                        unit="kg",
                        discount="0.5",
                        variantId="v-1",
                        quantity=number("2.5"),
                    ),
                    item(
                        productId="p-2",
                        unitPrice=number("1e2"),
                        kind="return",
                        total=number("-1.25"),
                        tax=number("-0.2"),
                        category="Teas",
                    ),
                ],
                refunds=[{"id": "r-1", "amount": "0.0001", "at": "2026-12-01T00:00:00Z"}],
                taxTotal="4.9",
                tipTotal=number("0"),
            ),
        )
    )
    assert sure([value])
    assert decoded([value]).rows.to_pylist() == [
        {
            "shop_id": "s-17",
            "event_id": "e-1",
            "source": "/checkout",
            "type": "order:updated",
            "backfill": False,
            "order_id": "o-1",
            "status": "paid",
            "currency": "EUR",
            "created_at": datetime(2026, 11, 23, 0, 30, 0, 123_456, UTC),
            "placed_at": datetime(2026, 11, 21, 0, 30, tzinfo=UTC),
            "updated_at": datetime(2026, 11, 22, 10, 15, 31, tzinfo=UTC),
            "item_product_id": ["p-1", "p-2"],
            "item_quantity": [Decimal("2.5000"), 2],
            "item_unit_price": [Decimal("9.5000"), Decimal("100.0000")],
            "item_name": ["Tea", None],
            "item_refunded_quantity": [1, 0],
            "item_kind": ["product", "return"],
            "item_total": [None, Decimal("-1.2500")],
            "item_refunded_total": [Decimal("2.0000"), None],
            "item_discount": [Decimal("0.5000"), None],
            "item_tax": [None, Decimal("-0.2000")],
            "item_unit": ["kg", None],
            "item_variant_id": ["v-1", None],
            "item_category": [None, "Teas"],
            "revision": 7,
            "customer_id": "c-1",
            "total": Decimal("30.5000"),
            "refunded_total": Decimal("0.0001"),
            "refund_id": ["r-1"],
            "refund_amount": [Decimal("0.0001")],
            "refund_at": [datetime(2026, 12, 1, tzinfo=UTC)],
            "tax_total": Decimal("4.9000"),
            "shipping_total": None,
            "discount_total": None,
            "tip_total": Decimal("0.0000"),
        }
    ]


def test_plain_records_take_the_fast_path():
    assert sure([PLAIN, SECOND, THIRD])
    assert told([PLAIN, SECOND, THIRD]) == ["o-1", "o-2", "o-3"]


@pytest.mark.parametrize("sign", [b",", b"[", b"]", b"{", b"}"])
def test_a_record_with_too_many_signs_is_refused_beside_others(sign):
    complex_text = with_extra(b'"' + sign * MAX_SIGNS + b'"')
    assert told([PLAIN, complex_text, SECOND]) == ["o-1", "too_complex", "o-2"]


@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
@pytest.mark.parametrize("broken", [b"{]}", b"{}", b"", None, b"[" * 200, with_extra(b"NaN")])
def test_a_broken_record_among_others_takes_only_itself_away(count, broken):
    values = [bytes_of(event(data=order(orderId=f"o-{i}"))) for i in range(count)]
    middle = count // 2
    values[middle] = broken
    expected = [f"o-{i}" for i in range(count)]
    found = told(values)
    assert found[middle] in ("not_json", "not_cloudevent", "tombstone")
    assert found[:middle] + found[middle + 1 :] == expected[:middle] + expected[middle + 1 :]


@pytest.fixture
def one_by_one(monkeypatch):
    """The records that are read on the exact path."""
    found = []
    monkeypatch.setattr(chunk, "read_event", lambda *args: found.append(args) or read_event(*args))
    return found


@pytest.mark.parametrize("before", [20, 100, 4000])
@pytest.mark.parametrize(
    ("odd", "again"),
    [(with_extra(b"[]"), 0), (with_extra(b'{"total":"1e2"}'), 1), (b"{]", 1), (b"{]}", 64)],
)
def test_an_odd_record_takes_few_others_off_the_fast_path(one_by_one, odd, again, before):
    records = kafka_records([PLAIN] * before + [odd] + [PLAIN] * 100)
    decode(ORDERS, [Run(0, 0, records)])
    assert again // 2 <= len(one_by_one) <= again


@pytest.fixture
def looked_for(monkeypatch):
    """What was searched for in the text of a chunk after plain ones: names of members, and what is no JSON."""
    found = []
    monkeypatch.setattr(columns, "_latest", {})
    columns.parse(ORDERS, pa.array([PLAIN] * 2, pa.binary()), columns.future_limits([-1, -1]))
    for name in ("_unused", "suspicious"):
        function = getattr(columns, name)
        monkeypatch.setattr(columns, name, lambda *a, n=name, f=function: found.append(n) or f(*a))
    return found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (bytes_of(event(data=order(items=[item(unitPrice=number("9.5"))]))), []),
        (with_data(orderId="a:b::", items=[item(unitPrice=number("9.5"))]), []),
        (PLAIN, ["suspicious"]),
        (with_data(total="1"), ["_unused", "suspicious"]),
        (with_item(kind="product"), ["_unused", "suspicious"]),
        (with_data(refunds=None), ["_unused", "suspicious"]),
        (with_data(orderId='"'), ["_unused", "suspicious"]),
        (with_extra(b"1"), ["_unused", "suspicious"]),
        (with_extra(b"NaN"), ["_unused", "suspicious"]),
    ],
)
def test_only_what_is_not_accounted_for_is_searched(looked_for, value, expected):
    columns.parse(ORDERS, pa.array([value] * 2, pa.binary()), columns.future_limits([-1, -1]))
    assert looked_for == expected


def test_a_member_that_no_record_had_for_long_is_read_where_one_has_it():
    for _ in range(20):
        decoded([PLAIN] * 3)
    odd = with_item(refundedTotal="2", kind="fee", total=number("3"))
    assert decoded([PLAIN, odd, PLAIN]).rows["item_refunded_total"].to_pylist()[1] == [2]
    assert sure([PLAIN, odd])


@pytest.mark.parametrize(("count", "again"), [(1, 1), (24, 24), (25, 0)])
def test_few_records_are_read_one_by_one(one_by_one, count, again):
    assert decode(ORDERS, [Run(0, 0, kafka_records([PLAIN] * count))]).rows.num_rows == count
    assert len(one_by_one) == again


def test_a_chunk_of_refused_records_has_no_rows():
    piece = decoded([b"", b"{}", b"null", with_extra(b"Infinity")])
    assert (piece.rows.num_rows, piece.history.num_rows, len(piece.refused)) == (0, 0, 4)
    assert piece.rows.schema == shape.staged(ORDERS)


def test_offsets_with_holes_stay_with_their_records():
    piece = decoded([PLAIN, b"{}", SECOND, THIRD])
    assert piece.history["offset"].to_pylist() == [1000, 1003, 1004]
    assert [record.offset for record, _ in piece.refused] == [1001]
    assert (piece.parts[0].first, piece.parts[0].next, piece.records) == (1000, 1005, 4)


def test_an_order_on_another_topic_is_on_the_wrong_one():
    assert told([PLAIN, SECOND], PAYMENTS) == ["wrong_topic", "wrong_topic"]


def shifted(*values):
    """As `told`, and again with plain records around."""
    alone = told(list(values))
    assert told([SECOND, *values, THIRD]) == ["o-2", *alone, "o-3"]
    return alone


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (PLAIN + SECOND, b"{}"),
        (PLAIN + b"\n" + SECOND, b"{}"),
        (PLAIN + SECOND + b"\0{}", THIRD),
        (PLAIN + SECOND + b"\0}", THIRD),
        (PLAIN + b"\0\n{}", THIRD),
        (PLAIN[:-1], b"{}}"),
        (PLAIN[:-2] + b"}", b"{}" + b"}"),
        (b'{"a":{}', PLAIN + b"}"),
        (b'{"a":[{}', b"{}]}"),
        (b'{"a":[{}', b"{}" + PLAIN[1:]),
        (b'{"a":{"b":{}', b'{"c":1}}}'),
        (b'{"a":"}', b'{"}'),
        (b'{"a":"\\"}', b'{"}'),
        (b'{"a":"\\\\"}', b'{"a":"}'),
        (b'{"a":"\\}', b'{"}'),
        (b"{" + b"}", b"{" + PLAIN + b"}"),
        (b"{" + PLAIN, b"{}}"),
        (PLAIN + b"{", b"}"),
        (PLAIN + b"{}", b"{}"),
        (PLAIN + b"}", b"{}"),
        (PLAIN + b",{}", b"{}"),
        (PLAIN + b"]{}", b"{}"),
        (PLAIN + b"/*}", b"{*/}"),
        (PLAIN + b"\xef\xbb\xbf" + SECOND, b"{}"),
        (PLAIN + b"\r" + SECOND, b"{}"),
        (b"{}{}", b'{"a":"}'),
        (b"{}{}{}", b'{"a":[{}'),
        (PLAIN + SECOND, b'{"a":"}'),
        (PLAIN + SECOND, b'{"data":{}'),
    ],
)
def test_no_row_moves_from_one_record_to_another(first, second):
    found = shifted(first, second)
    assert found[0] in ("not_json", "not_cloudevent")
    assert found[1] in ("not_json", "not_cloudevent", "o-3")


@pytest.mark.parametrize("break_", ["\n", "\r", "\t", "\0", "\x0b", "\x1f"])
def test_arrow_takes_no_raw_control_character_within_a_text(break_):
    value = PLAIN.replace(b"/checkout", b"/check%sout" % break_.encode())
    assert (
        columns.parse(ORDERS, pa.array([value], pa.binary()), columns.future_limits([-1])) is None
    )
    assert told([value]) == ["not_json"]


@pytest.mark.parametrize("gap", [b"", b" ", b"\n", b"\0", b"\r\n"])
def test_arrow_takes_no_two_values_without_a_comma(gap):
    for value in (b'{"a":{}' + gap + b'{"b":1}}', b'{"a":[{}' + gap + b"{}]}"):
        assert (
            columns.parse(ORDERS, pa.array([value], pa.binary()), columns.future_limits([-1]))
            is None
        )


@pytest.mark.parametrize(
    "written", [b"NaN", b"Infinity", b"-Infinity", b"Inf", b"-Inf", b"-NaN", b"[1, NaN]"]
)
@pytest.mark.parametrize("blank", [b"", b" ", b"\n\t\r "])
def test_what_arrow_takes_for_a_number_is_not_json(written, blank):
    assert shifted(with_extra(blank + written)) == ["not_json"]
    assert shifted(with_extra(b"[" + blank + written + b"]")) == ["not_json"]
    assert shifted(with_extra(b'{"a":' + blank + written + b"}")) == ["not_json"]


def test_a_name_that_begins_like_no_number_is_accepted():
    assert told([with_item(name="NaN, Infinity: -Inf")]) == ["o-1"]


@pytest.mark.parametrize(
    "bytes_",
    [b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"],
)
def test_bytes_that_are_no_utf8_are_not_json_wherever_they_are(bytes_):
    assert shifted(with_extra(b'"' + bytes_ + b'"')) == ["not_json"]
    assert shifted(with_item(name="NAME").replace(b"NAME", bytes_)) == ["not_json"]
    assert shifted(PLAIN.replace(b"o-1", bytes_)) == ["not_json"]
    assert shifted(PLAIN[:-1] + b',"' + bytes_ + b'":1}') == ["not_json"]


@pytest.mark.parametrize("rest", [b"", b"unk", b' {"a": 1}', b"\xff", b"," * (MAX_SIGNS + 1)])
def test_a_record_is_refused_by_its_first_byte_as_on_the_exact_path(rest):
    found = decoded([bytes([first]) + rest for first in range(256)])
    assert all(refusal.message for _, refusal in found.refused)
    assert found.records == 256


@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00", "\\ude00\\ud83d", "\\ud83d\\ud83d"])
def test_half_of_a_surrogate_pair_is_not_json_wherever_it_is(escape):
    assert shifted(with_extra(b'"' + escape.encode() + b'"')) == ["not_json"]
    assert shifted(PLAIN.replace(b"o-1", escape.encode())) == ["not_json"]


def test_a_whole_surrogate_pair_is_one_character():
    assert shifted(PLAIN.replace(b"o-1", b"\\uD83d\\uDe00")) == ["😀"]


@pytest.mark.parametrize(
    "key", ["total", "tot\\u0061l", "\\u0074otal", "\\u0074\\u006F\\u0074\\u0061\\u006C"]
)
@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
@pytest.mark.parametrize(
    "text", ["1e2", "-1", "+1", "1.", ".5", ".", "", " 1", "1 ", "1.2.3", "-0", "1E0", "\\u0031e2"]
)
def test_money_as_odd_text_is_a_bad_value_whatever_hides_its_key(key, blank, text):
    value = PLAIN.replace(b'"orderId"', f'"{key}"{blank}:{blank}"{text}", "orderId"'.encode())
    assert shifted(value) == ["bad_value"]


@pytest.mark.parametrize("name", ["total", "refundedTotal"])
@pytest.mark.parametrize(
    ("value", "digits"),
    [
        ("007", "7.0000"),
        ("1.50000000", "1.5000"),
        ("0" * 60 + "1", "1.0000"),
        ("0." + "0" * 60, "0.0000"),
        ("\\u0031", "1.0000"),
        (number("-0"), "0.0000"),
        (number("-0.0"), "0.0000"),
        (number("1e2"), "100.0000"),
        (number("1E+2"), "100.0000"),
        (number("1.50000"), "1.5000"),
        (number("100000000000.0001"), "100000000000.0001"),
        (number("999999999999.9999"), "999999999999.9999"),
        (number("9007199254740.9931e-1"), None),
        (number("1000000000000"), None),
        (number("1e12"), None),
        (number("99999999999999.9999"), None),
        (number("-0.0001"), None),
        (number("0.00001"), None),
        (number("123456789012345678901234567890"), None),
        (number("1e400"), None),
        (number("true"), None),
        (number("{}"), None),
    ],
)
def test_money_is_exact_to_the_last_digit(name, value, digits):
    record = with_data(**{name: value}).replace(b"\\\\u0031", b"\\u0031")
    column = {"total": "total", "refundedTotal": "refunded_total"}[name]
    found = decoded([record]).rows[column].to_pylist()
    assert [str(amount) for amount in found] == ([digits] if digits else [])


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("-0", "bad_value"),
        ("0", "bad_value"),
        ("1", "o-1"),
        ("2147483647", "o-1"),
        ("2147483648", "bad_value"),
        ("3.0", "o-1"),
        ("1e2", "o-1"),
        ("0.5", "o-1"),
        ("0.00001", "bad_value"),
        ("2147483647.9999", "o-1"),
        ("9223372036854775808", "bad_value"),
        ("-9223372036854775809", "bad_value"),
        ("123456789012345678901234567890", "bad_value"),
        ('"2"', "o-1"),
        ('"0.5"', "o-1"),
        ('"1e2"', "bad_value"),
        ('"+2"', "bad_value"),
        ("true", "bad_value"),
        ("null", "missing_field"),
        ("[]", "bad_value"),
    ],
)
def test_quantities_at_their_limits(written, reason):
    raw = PLAIN.replace(b'"quantity": 2', f'"quantity": {written}'.encode())
    assert shifted(raw.replace(b"9.50", b"0")) == [reason]


@pytest.mark.parametrize(
    ("written", "revision"),
    [
        ("0", 0),
        ("-0", 0),
        ("null", 0),
        ("4294967295", 4294967295),
        ("4294967296", None),
        ("-1", None),
        ("1.0", None),
        ('"1"', None),
        ("18446744073709551616", None),
    ],
)
def test_revisions_at_their_limits(written, revision):
    found = decoded([with_data(revision=number(written))]).rows["revision"].to_pylist()
    assert found == ([] if revision is None else [revision])


@pytest.mark.parametrize(
    "refunded", ["0", "-0", "1", "2", "3", "-1", "null", "9223372036854775808"]
)
def test_refunded_quantities_at_their_limits(refunded):
    accepted = refunded in ("0", "-0", "1", "2", "null")
    assert shifted(with_item(refundedQuantity=number(refunded))) == (
        ["o-1"] if accepted else ["bad_value"]
    )


def test_repeated_keys_are_read_as_the_last_one():
    twice = PLAIN.replace(b'"orderId": "o-1"', b'"orderId": "o-9", "orderId": "o-1"')
    assert shifted(twice) == ["o-1"]
    assert shifted(PLAIN[:-1] + b', "data": null}') == ["missing_field"]
    assert shifted(PLAIN[:-1] + b', "data": {}}') == ["missing_field"]
    assert shifted(b'{"data": null, ' + PLAIN[1:]) == ["o-1"]
    assert shifted(PLAIN.replace(b'"quantity": 2', b'"quantity": 0, "quantity": 2')) == ["o-1"]


@pytest.mark.parametrize("written", ["null", "[]", '"x"', "1", "true", "[{}]", "{}"])
def test_data_that_is_no_order_is_refused(written):
    expected = "missing_field" if written in ("null", "{}") else "bad_value"
    assert shifted(bytes_of(event(data=number("DATA"))).replace(b"DATA", written.encode())) == [
        expected
    ]


@pytest.mark.parametrize("items", [[None], [item(), None], [[]], ["x"], [], {}, "x", [1]])
def test_items_that_are_no_objects_are_refused(items):
    assert shifted(with_data(items=items)) == ["bad_value"]


def test_items_that_are_missing_are_told():
    assert shifted(with_data(items=None), with_data(items=[{}])) == ["missing_field"] * 2


def test_an_order_has_at_most_1000_items():
    assert shifted(with_data(items=[item(unitPrice="1")] * 1000)) == ["o-1"]
    assert shifted(with_data(items=[item(unitPrice="1")] * 1001)) == ["bad_value"]


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ([item(unitPrice="99999999999", quantity=1)], "o-1"),
        ([item(unitPrice="999999999999.9999", quantity=1)], "o-1"),
        ([item(unitPrice="499999999999.9999", quantity=2)], "o-1"),
        ([item(unitPrice="500000000000", quantity=2)], "bad_value"),
        ([item(unitPrice="1000000000", quantity=1)] * 1000, "bad_value"),
        ([item(unitPrice="1", quantity=1)] * 999 + [item(unitPrice="999999999001")], "bad_value"),
    ],
)
def test_computed_totals_at_their_limit(items, found):
    assert shifted(with_data(items=items)) == [found]


@pytest.mark.parametrize(
    ("written", "micros"),
    [
        ("2026-11-22T10:15:30Z", 0),
        ("2026-11-22t10:15:30z", 0),
        ("2026-11-22T10:15:30.1Z", 100_000),
        ("2026-11-22T10:15:30.123456Z", 123_456),
        ("2026-11-22T10:15:30.123456999Z", 123_456),
        ("2026-11-22T10:15:30.1234569999999Z", 123_456),
        ("2026-11-22T10:15:30.999999999Z", 999_999),
        ("2026-11-22T16:00:30.5+05:45", 500_000),
    ],
)
def test_times_are_cut_to_the_microsecond(written, micros):
    instant = datetime(2026, 11, 22, 10, 15, 30, micros, UTC)
    assert decoded([with_data(createdAt=written)]).rows["created_at"].to_pylist() == [instant]


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-22T10:15:60Z",
        "2016-12-31T23:59:60Z",
        "2026-02-30T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:15:30",
        "2026-11-22 10:15:30Z",
        "2026-11-22T10:15:30+0100",
        "2026-11-22T10:15:30+24:00",
        "2026-11-22",
        "1999-12-31T23:59:59.999999999Z",
        "2101-01-01T00:00:00Z",
        # these are what a 64-bit count of nanoseconds would take for years from 2000 to 2100
        "1431-06-01T00:00:00Z",
        "2600-06-01T00:00:00Z",
        "3200-06-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_a_time_that_is_none_is_a_bad_value_in_each_place(written):
    for name in ("createdAt", "updatedAt"):
        assert shifted(with_data(**{name: written})) == ["bad_value"]
    assert shifted(bytes_of(event(time=written))) == ["bad_value"]


@pytest.mark.parametrize("sign", ["\0", "\x1f", "\x7f", "\x80", "\x85", "\x9f"])
def test_control_characters_are_found_in_every_identifier(sign):
    raw = json.dumps(f"a{sign}").strip('"').encode()
    for plain in (b'"e-1"', b'"/checkout"', b'"s-17"', b'"o-1"', b'"p-1"'):
        assert shifted(PLAIN.replace(plain, b'"' + raw + b'"')) == ["bad_value"]
        unescaped = f'"a{sign}"'.encode()
        expected = "not_json" if sign < " " else "bad_value"
        assert shifted(PLAIN.replace(plain, unescaped)) == [expected]


@pytest.mark.parametrize(
    "name", ["a" * 128, "é" * 64, "é" * 65, "é" * 128, "😀" * 128, "\xa0", "Â"]
)
def test_unicode_identifiers_are_counted_in_characters(name):
    written = json.dumps(name, ensure_ascii=False).encode()
    assert shifted(PLAIN.replace(b'"o-1"', written)) == [name]
    assert shifted(PLAIN.replace(b'"o-1"', json.dumps(name).encode())) == [name]


@pytest.mark.parametrize("name", ["", "a" * 129, "é" * 129, "😀" * 129])
def test_identifiers_of_another_length_are_refused(name):
    assert shifted(with_data(orderId=name)) == ["bad_value"]
    assert shifted(bytes_of(event(userid=name))) == ["bad_value"]


def test_names_of_products_may_be_anything():
    for name in ("", "\0", '"}\n{"', "\\", "😀" * 500, "a\x85b"):
        assert decoded([with_item(name=name)]).rows["item_name"].to_pylist() == [[name]]


def test_records_that_are_written_with_care_are_read_as_others():
    pretty = json.dumps(json.loads(PLAIN), indent=4)
    for value in (pretty, pretty.replace("\n", "\r\n"), pretty.replace("    ", "\t")):
        assert sure([value.encode()])
        assert shifted(value.encode()) == ["o-1"]
    for value in (f" {pretty}", f"{pretty}\n", f"\ufeff{pretty}"):
        assert not whole(pa.array([value.encode()], pa.binary()))[0]
    assert shifted(f"\r\n{pretty}\n".encode()) == ["o-1"]
    assert shifted(f"\ufeff{pretty}".encode()) == ["not_json"]
    assert shifted(pretty.encode("utf-16")) == ["not_json"]


def test_128_levels_are_read_and_129_are_not():
    for levels, expected in ((127, "o-1"), (128, "not_json")):
        assert shifted(with_extra(b"[" * levels + b"]" * levels)) == [expected]


def test_512_kib_are_read_and_one_byte_more_is_too_large():
    rest = 512 * 1024 - len(with_extra(b'""'))
    assert shifted(with_extra(b'"' + b"x" * rest + b'"')) == ["o-1"]
    assert shifted(with_extra(b'"' + b"x" * (rest + 1) + b'"')) == ["too_large"]


@pytest.mark.parametrize("text", [b"01", b"1.", b".5", b"+1", b"1e400", b"'a'", b"tru", b"[1,]"])
def test_values_in_fields_that_are_ignored_are_json_too(text):
    expected = "o-1" if text == b"1e400" else "not_json"
    assert shifted(with_extra(text)) == [expected]


def test_a_record_without_a_key_or_with_any_timestamp_is_kept_as_it_is():
    record = kafka_records([PLAIN])[0]
    record.key, record.timestamp = None, -1
    piece = decode("shop.orders", [Run(0, 0, [record])])
    assert piece.history["arrived"].cast(pa.int64()).to_pylist() == [-1]


@pytest.mark.parametrize("count", [1, 100])
def test_binary_mode_goes_the_same_ways_and_a_refusal_keeps_the_record_as_it_was(count):
    """Also beside records in structured mode, and whatever is refused among them."""
    data = bytes_of(order(orderId="binary"))
    records = kafka_records([PLAIN, data, data, b"{}", None, data] * count)
    for at, record in enumerate(records):
        if at % 6 in (1, 2, 4):
            record.headers = [*BINARY, ("trace", b"\xff")]
        if at % 6 == 2:
            record.headers = [("content-type", b"application/cloudevents-batch+json")]
    half = len(records) // 2
    piece = decode("shop.orders", [Run(4, 0, records[:half]), Run(2, 0, records[half:])])
    assert piece.rows["order_id"].to_pylist() == ["o-1", "binary"] * count
    assert [json.loads(raw)["id"] for raw in piece.history["raw"].to_pylist()] == [
        "e-1",
        "b-1",
    ] * count
    assert (piece.records, piece.tombstones) == (6 * count, count)
    places = [record.offset for record, _ in piece.refused]
    assert places == sorted(places)
    assert len(places) == 3 * count
    first = {record.offset for record in records[:half]}
    assert all(
        record.partition == (4 if record.offset in first else 2) for record, _ in piece.refused
    )
    batch = piece.refused[0][0]
    assert (batch.value, batch.headers) == (data, tuple(records[2].headers))


BINARY = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"b-1"),
    ("ce_source", b"/binary"),
    ("ce_type", b"order:created"),
    ("ce_shopid", b"s-17"),
]
AHEAD = {
    ORDERS: ("updatedAt", "order:created"),
    "shop.inventory": ("updatedAt", "inventory:updated"),
    "shop.payments": ("at", "payment:failed"),
    "shop.suppliers": ("updatedAt", "supplier:updated"),
    "shop.settings": ("updatedAt", "shop:updated"),
}


@pytest.mark.parametrize("topic", AHEAD)
def test_a_version_more_than_24_hours_ahead_of_its_arrival_is_refused_on_both_paths(topic):
    member, kind = AHEAD[topic]
    # records arrive at 10:15:30.123 and a few milliseconds later; the second counts
    times = ("2026-11-23T10:15:30Z", "2026-11-23T10:15:30.000001Z", "2099-01-01T00:00:00Z")
    values = []
    for time in times:
        document = example(kind)
        document["data"][member] = time
        values.append(bytes_of(document))
    piece = decoded(values, topic)
    assert piece.rows.num_rows == 1
    assert [(refusal.reason, refusal.field) for _, refusal in piece.refused] == [
        ("in_the_future", f"data.{member}")
    ] * 2
    assert piece.refused[0][1].message == (
        f"data.{member} must not be more than 24 h after the record reached Kafka (2026-11-22T10:15:30Z)"
    )


@pytest.mark.parametrize("timestamp", [-1, 0, 946_684_799_999, -(2**62), 2**62])
def test_where_nothing_is_known_of_its_arrival_a_version_may_be_of_any_year(timestamp):
    document = example("order:created")
    document["data"]["updatedAt"] = "2100-12-31T23:59:59.999999Z"
    records = kafka_records([bytes_of(document)] * 30)
    for record in records:
        record.timestamp = timestamp
    assert decode(ORDERS, [Run(0, 0, records)]).rows.num_rows == 30


@pytest.mark.parametrize("kind", ["purchase:created", "purchase:received", "storefront:visited"])
def test_what_has_no_versions_may_be_ahead(kind):
    document = example(kind)
    document["data"]["at"] = "2099-01-01T00:00:00Z"
    assert decoded([bytes_of(document)], TOPIC_OF_TYPE[kind]).rows.num_rows == 1
