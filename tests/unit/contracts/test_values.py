"""Money, whole numbers, times, identifiers and the rest, at their limits."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from shopstream.contracts.currencies import CURRENCIES, average_decimals
from shopstream.contracts.json_text import Number
from shopstream.contracts.order import STATUSES
from shopstream.contracts.values import (
    COUNT,
    LEVEL,
    PART,
    QUANTITY,
    Invalid,
    OneOf,
    Whole,
    amount,
    attribute,
    currency,
    identifier,
    money,
    text,
    time,
    timezone,
)
from shopstream.contracts.zones import fixed_files, timezones, zone_of

MORE_TEXTS = ["", " ", "1 ", " 1", "1\n", "1\0", "NaN", "Infinity", "١", "1.2.3", "€1"]


def rule_of(check, value):
    with pytest.raises(Invalid) as caught:
        check(value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("0", "0.0000"),
        ("-0", "0.0000"),
        ("-0.0", "0.0000"),
        ("-0e5", "0.0000"),
        ("0e999999", "0.0000"),
        ("1", "1.0000"),
        ("1.5", "1.5000"),
        ("0.0001", "0.0001"),
        ("1.23450000", "1.2345"),
        ("0." + "0" * 400_000, "0.0000"),
        ("1e2", "100.0000"),
        ("1E+2", "100.0000"),
        ("12345e-4", "1.2345"),
        ("123450000e-8", "1.2345"),
        ("0.1", "0.1000"),
        ("9007199254740.993e-1", "900719925474.0993"),
        ("999999999999.9999", "999999999999.9999"),
        ("9.999999999999999e11", "999999999999.9999"),
    ],
)
def test_money_as_a_number_is_exact_at_scale_4(written, digits):
    assert str(money(Number(written))) == digits


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("0", "0.0000"),
        ("12", "12.0000"),
        ("007", "7.0000"),
        ("0.1", "0.1000"),
        ("1.23450000", "1.2345"),
        ("999999999999.9999", "999999999999.9999"),
        ("0" * 300_000 + "1", "1.0000"),
    ],
)
def test_money_as_text_is_exact_at_scale_4(written, digits):
    assert str(money(written)) == digits


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("0.00001", "must have at most 4 decimals"),
        ("1.23456", "must have at most 4 decimals"),
        ("1e-5", "must have at most 4 decimals"),
        ("1e-999999999999999999", "must have at most 4 decimals"),
        ("0." + "0" * 400_000 + "1", "must have at most 4 decimals"),
        ("1000000000000", "must be below 10^12"),
        ("1e12", "must be below 10^12"),
        ("999999999999.99999", "must have at most 4 decimals"),
        ("1e999999999999999999", "must be below 10^12"),
        ("9" * 400_000, "must be below 10^12"),
        ("1e99999999999999999999", "must be below 10^12 with at most 4 decimals"),
        ("1e-99999999999999999999", "must be below 10^12 with at most 4 decimals"),
        ("-0.0001", "must not be negative"),
        ("-1", "must not be negative"),
        ("-1e999999999999999999", "must not be negative"),
        ("-1e-999999999999999999", "must not be negative"),
    ],
)
def test_money_as_a_number_beyond_a_limit_is_invalid(written, rule):
    assert rule_of(money, Number(written)) == rule


@pytest.mark.parametrize(
    "written",
    ["-1", "-0", "+1", "1e2", "1.", ".5", ".", "1,5", "1_0", "0x1", *MORE_TEXTS],
)
def test_money_as_text_is_digits_at_most_with_a_point(written):
    assert rule_of(money, written) == "as text must be digits, at most with a point"


def test_money_as_text_keeps_the_same_limits():
    assert rule_of(money, "1.00001") == "must have at most 4 decimals"
    assert rule_of(money, "1000000000000.0000") == "must be below 10^12"
    assert rule_of(money, "9" * 300_000) == "must be below 10^12"


@pytest.mark.parametrize("value", [True, False, [], {}, [Number("1")]])
def test_money_is_a_number_or_text(value):
    assert rule_of(money, value) == "must be a number or text"


def test_a_whole_number_is_within_its_limits():
    check = Whole(-5, 10)
    assert [check(Number(n)) for n in ("-5", "-0", "0", "10")] == [-5, 0, 0, 10]
    assert rule_of(check, Number("-6")) == "must be from -5 to 10"
    assert rule_of(check, Number("11")) == "must be from -5 to 10"
    assert rule_of(check, Number("99999999999999999999")) == "must be from -5 to 10"


def test_units_are_below_2_to_the_31_in_size():
    most, beyond = Number("2147483647.9999"), Number("2147483648")
    for rule in (QUANTITY, PART, LEVEL):
        assert rule(most) == Decimal("2147483647.9999")
        assert rule_of(rule, beyond).startswith("must be below 2^31")
    assert LEVEL(Number("-2147483647.9999")) == Decimal("-2147483647.9999")
    assert rule_of(LEVEL, Number("-2147483648")) == "must be below 2^31 in size"
    assert (COUNT.low, COUNT.high) == (0, 2147483647)


@pytest.mark.parametrize(
    ("rule", "zero", "negative"),
    [
        (QUANTITY, "must be above 0", "must not be negative"),
        (PART, None, "must not be negative"),
        (LEVEL, None, None),
    ],
)
def test_only_some_units_may_be_0_or_negative(rule, zero, negative):
    for value in (Number("0"), Number("-0.0"), "0.00"):
        assert told(rule, value) == zero
    assert told(rule, Number("-0.5")) == negative
    assert told(rule, Number("0.5")) is None


def told(check, value):
    try:
        check(value)
    except Invalid as error:
        return str(error)
    return None


@pytest.mark.parametrize("value", [Number("12.5"), Number("125E-1"), "12.50000", "012.5"])
def test_units_have_scale_4_however_they_are_written(value):
    assert str(QUANTITY(value)) == "12.5000"


def test_units_as_text_are_digits():
    assert str(LEVEL("-1.5")) == "-1.5000"
    assert rule_of(QUANTITY, "-1.5") == "as text must be digits, at most with a point"
    told = "as text must be digits, at most with a point and a minus in front"
    for value in ("1e2", "+1", "--1", "1.", ".5", "", " 1", "٣"):
        assert rule_of(LEVEL, value) == told


@pytest.mark.parametrize(
    ("value", "found"),
    [("-12.5", "-12.5000"), (Number("-0"), "0.0000"), (Number("-1e2"), "-100.0000")],
)
def test_an_amount_may_be_negative(value, found):
    assert str(amount(value)) == found


@pytest.mark.parametrize(
    "value",
    [Number(n) for n in ("3.0", "1e2", "1E0", "0.0", "-0.0", "1e400", "9" * 21, "9" * 400_000)]
    + ["3", "", True, False, [], {}],
)
def test_a_whole_number_is_written_without_fraction_or_exponent(value):
    assert (
        rule_of(Whole(0, 2**31 - 1), value)
        == "must be a whole number, written without fraction or exponent"
    )


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-11-22T10:15:30Z", datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)),
        ("2026-11-22t10:15:30z", datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)),
        ("2026-11-22T10:15:30+00:00", datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)),
        ("2026-11-22T10:15:30-00:00", datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)),
        ("2026-11-22T10:15:30+05:45", datetime(2026, 11, 22, 4, 30, 30, tzinfo=UTC)),
        ("2026-11-22T10:15:30-23:59", datetime(2026, 11, 23, 10, 14, 30, tzinfo=UTC)),
        ("2026-11-22T10:15:30.1Z", datetime(2026, 11, 22, 10, 15, 30, 100_000, UTC)),
        ("2026-11-22T10:15:30.123456Z", datetime(2026, 11, 22, 10, 15, 30, 123_456, UTC)),
        ("2026-11-22T10:15:30.1234569Z", datetime(2026, 11, 22, 10, 15, 30, 123_456, UTC)),
        ("2026-11-22T10:15:30.999999999Z", datetime(2026, 11, 22, 10, 15, 30, 999_999, UTC)),
        (f"2026-11-22T10:15:30.{'9' * 5000}Z", datetime(2026, 11, 22, 10, 15, 30, 999_999, UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
        ("1999-12-31T23:00:00-01:00", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2100-12-31T23:59:59.999999Z", datetime(2100, 12, 31, 23, 59, 59, 999_999, UTC)),
        ("2101-01-01T00:59:59+01:00", datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_is_an_instant_in_utc_cut_to_the_microsecond(written, instant):
    assert time(written) == instant
    assert time(written).tzinfo is UTC


@pytest.mark.parametrize(
    "written",
    [
        "1999-12-31T23:59:59Z",
        "1999-12-31T23:59:59.999999999Z",
        "2000-01-01T00:00:00+00:01",
        "2101-01-01T00:00:00Z",
        "2100-12-31T23:59:59-00:01",
        "0001-01-01T00:00:00Z",
        "9999-12-31T00:00:00Z",
    ],
)
def test_a_time_outside_the_years_2000_to_2100_in_utc_is_invalid(written):
    assert rule_of(time, written) == "must be in the years 2000 to 2100"


@pytest.mark.parametrize(
    "written",
    [
        "2026-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:60:00Z",
        "2016-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_a_time_that_does_not_exist_is_invalid(written):
    assert rule_of(time, written) == "must be a time that exists (RFC 3339)"


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-22T10:15:30",
        "2026-11-22 10:15:30Z",
        "2026-11-22",
        "2026-11-22T10:15Z",
        "2026-11-22T10:15:30.Z",
        "2026-11-22T10:15:30,5Z",
        "2026-11-22T10:15:30+0100",
        "2026-11-22T10:15:30+01",
        "2026-11-22T10:15:30+24:00",
        "2026-11-22T10:15:30+01:60",
        "2026-11-22T10:15:30−01:00",
        "20261122T101530Z",
        "2026-326T10:15:30Z",
        "+2026-11-22T10:15:30Z",
        " 2026-11-22T10:15:30Z",
        "2026-11-22T10:15:30Z\n",
        "２026-11-22T10:15:30Z",
        "",
        Number("1764000000"),
        True,
        [],
    ],
)
def test_what_is_not_rfc_3339_is_no_time(value):
    assert rule_of(time, value) == (
        "must be an RFC 3339 time with an offset, such as 2026-11-22T10:15:30.123Z"
    )


@pytest.mark.parametrize("value", ["a", " ", "a" * 128, "😀" * 128, "\xa0", "\u2028", "/", "~"])
def test_an_identifier_has_1_to_128_characters(value):
    assert identifier(value) == value


@pytest.mark.parametrize("value", ["", "a" * 129, "😀" * 129, Number("7"), True, [], {}])
def test_an_identifier_of_another_length_or_kind_is_invalid(value):
    assert rule_of(identifier, value) == "must be text of 1 to 128 characters"


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_an_identifier_has_no_control_characters(code):
    assert rule_of(identifier, f"a{chr(code)}") == "must not have control characters"
    assert rule_of(attribute, f"{chr(code)}a") == "must not have control characters"


def test_an_attribute_may_be_longer_than_an_identifier():
    assert attribute("/" * 2000) == "/" * 2000
    assert rule_of(attribute, "") == "must be text that is not empty"
    assert rule_of(attribute, Number("1")) == "must be text that is not empty"


def test_text_may_be_empty_and_hold_anything():
    assert [text(""), text("\0\n"), text("a" * 5000)] == ["", "\0\n", "a" * 5000]
    assert rule_of(text, Number("1")) == "must be text"
    assert rule_of(text, False) == "must be text"


@pytest.mark.parametrize("value", ["eur", "EU", "EURO", "", "EUR ", "€€€", "EÜR", "EUR\n", 1, None])
def test_a_currency_is_three_capital_letters(value):
    assert currency("XXX") == "XXX"
    assert rule_of(currency, value) == "must be three capital letters (ISO 4217)"


@pytest.mark.parametrize("value", ["AAA", "EUX", "CSK", "SUR", "UKP"])
def test_a_currency_is_one_of_the_list(value):
    rule = "must be a currency code of ISO 4217, present or withdrawn since 1999"
    assert rule_of(currency, value) == rule


@pytest.mark.parametrize(
    "code", ["EUR", "USD", "HRK", "LTL", "DEM", "BGN", "XEU", "CLF", "XAD", "ZWG", "CUC"]
)
def test_present_and_historic_currencies_are_taken(code):
    assert currency(code) == code


def test_averages_have_the_minor_units_of_the_currency_and_at_least_2():
    codes = ["JPY", "EUR", "HRK", "XAU", "KWD", "BHD", "TND", "CLF", "UYW"]
    assert [average_decimals(code) for code in codes] == [2, 2, 2, 2, 3, 3, 3, 4, 4]
    assert average_decimals(None) == average_decimals("AAA") == 2
    assert len(CURRENCIES) == 243
    assert all(len(code) == 3 for code in CURRENCIES)


def test_a_status_is_one_of_nine():
    check = OneOf(STATUSES)
    names = "pending paid processing shipped delivered completed cancelled failed refunded"
    assert [check(name) for name in names.split()] == names.split()
    rule = f"must be one of {names.replace(' ', ', ')}"
    for value in ("Paid", "", "pending, paid", ["paid"], {}, True, Number("1")):
        assert rule_of(check, value) == rule


def test_a_time_zone_is_of_the_iana_database():
    for name in (
        "Europe/Berlin",
        "UTC",
        "America/Argentina/Buenos_Aires",
        "Etc/GMT+12",
        "Asia/Kolkata",
    ):
        assert timezone(name) == name
        assert name in timezones()
    odd = ("localtime", "Factory", "posixrules")
    for value in ("Berlin", "europe/berlin", "", "../etc", "+01:20", Number("1"), ["UTC"], *odd):
        assert rule_of(timezone, value) == (
            "must be an IANA time zone, such as Europe/Berlin, or an offset of quarter hours from -12:00 to +14:00"
        )


@pytest.mark.parametrize(
    ("written", "name"),
    [
        *(
            ("+05:30", "+05:30"),
            ("UTC+5:30", "+05:30"),
            ("+0530", "+05:30"),
            ("GMT+05:30", "+05:30"),
        ),
        *(("UTC-3", "-03:00"), ("-3", "-03:00"), ("GMT+2", "+02:00"), ("-00:15", "-00:15")),
        *(("Z", "UTC"), ("+00:00", "UTC"), ("-0", "UTC"), ("UTC+0", "UTC"), ("GMT+0", "GMT+0")),
        *(("+14:00", "+14:00"), ("-12", "-12:00"), ("Etc/GMT-5", "Etc/GMT-5")),
    ],
)
def test_an_offset_gets_its_one_name(written, name):
    assert timezone(written) == name


@pytest.mark.parametrize(
    "text", ["+14:15", "-12:15", "+05:20", "+530", "+5:3", "+05:60", "utc+5", "UTC +5", "+٥", ""]
)
def test_an_offset_has_quarter_hours_within_the_bounds(text):
    with pytest.raises(Invalid):
        timezone(text)


def test_an_offset_is_ahead_where_its_sign_is_plus_but_in_names_of_the_database():
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    shown = {
        name: noon.astimezone(zone_of(name)).isoformat()[11:]
        for name in ("+05:30", "-03:00", "+14:00", "-12:00", "Etc/GMT-5", "Etc/GMT+5")
    }
    assert shown == {
        "+05:30": "17:30:00+05:30",
        "-03:00": "09:00:00-03:00",
        "+14:00": "02:00:00+14:00",
        "-12:00": "00:00:00-12:00",
        "Etc/GMT-5": "17:00:00+05:00",
        "Etc/GMT+5": "07:00:00-05:00",
    }


def test_every_quarter_hour_is_a_zone_under_its_name():
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    names = fixed_files()
    assert len(names) == 104
    for name in names:
        assert zone_of(name).key == name
        assert noon.astimezone(zone_of(name)).isoformat()[-6:] == name
        assert timezone(name) == name
