"""The lines of a purchase, and which of them is told."""

import pytest
from contract_samples import GONE, number
from event_samples import line, read_data, refused_data
from rule_checks import LEFT, TAKEN

KINDS = ["purchase:created", "purchase:received"]


def refused_line(kind, **changes):
    return refused_data(kind, items=[line(), line(**changes)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_purchase_has_1_to_1000_lines(kind):
    assert refused_data(kind, items=[line()]) is None
    assert refused_data(kind, items=[line()] * 1000) is None
    for items in ([], [line()] * 1001, {}, "x", number("1"), True):
        assert refused_data(kind, items=items) == ("bad_value", "data.items")
    for items in (GONE, None):
        assert refused_data(kind, items=items) == ("missing_field", "data.items")


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_is_an_object_with_three_fields(kind):
    for value in (None, [], "x", number("1"), True):
        assert refused_data(kind, items=[line(), value]) == ("bad_value", "data.items[1]")
    for name in ("productId", "quantity", "unitCost"):
        for value in (GONE, None):
            told = refused_line(kind, **{name: value})
            assert told == ("missing_field", f"data.items[1].{name}")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "rule"),
    [("productId", "identifier"), ("quantity", "quantity"), ("unitCost", "money")],
)
def test_every_field_of_a_line_keeps_its_rule(kind, name, rule):
    for value in TAKEN[rule]:
        assert refused_line(kind, **{name: value}) is None, value
    for value in LEFT[rule]:
        told = refused_line(kind, **{name: value})
        assert told == ("bad_value", f"data.items[1].{name}"), value


def test_a_purchase_may_cost_10_to_the_12_and_more():
    dear = [line(quantity=2147483647, unitCost="999999999999.9999")] * 1000
    assert refused_data("purchase:created", items=dear) is None


def test_a_line_ignores_what_it_does_not_know():
    found = read_data("purchase:created", items=[line(unitPrice="x", refundedQuantity=-1)])
    assert list(found["items"][0]) == ["productId", "quantity", "unitCost"]


def test_a_missing_field_of_a_line_is_told_before_a_bad_value():
    lines = [line(quantity=number("0")), line(unitCost=GONE)]
    assert refused_data("purchase:received", items=lines, at="x") == (
        "missing_field",
        "data.items[1].unitCost",
    )
