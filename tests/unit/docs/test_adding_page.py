"""docs/adding-an-event-type.md: its example works, and it names every rule."""

import re
import subprocess
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from doc_pages import ROOT, first_names, read

from pipeline.topic_specs import TopicSpec
from shopstream.contracts import json_schema, schema, values
from shopstream.contracts.events import DATA, ENVELOPES
from shopstream.contracts.json_text import Number
from shopstream.contracts.reject import Refused
from shopstream.contracts.schema import Field, Many, Shape

PAGE = read("docs/adding-an-event-type.md")


def declared() -> Shape:
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    found: dict[str, Any] = {}
    exec(block, found)
    assert found["EVENTS"] == {"review:posted": found["REVIEW"]}
    shape: Shape = found["REVIEW"]
    return shape


def review(stars: int) -> dict[str, Any]:
    return {"reviewId": "r-1", "productId": "p-1", "stars": stars, "at": "2026-11-22T10:15:30Z"}


def test_the_shape_of_the_page_reads_and_refuses() -> None:
    found = schema.read(declared(), {**review(5), "stars": Number("5")})
    assert (found["reviewId"], found["stars"], found["text"]) == ("r-1", 5, None)
    with pytest.raises(Refused, match=r"^stars must be from 1 to 5$"):
        schema.read(declared(), {**review(6), "stars": Number("6")})


def test_the_shape_of_the_page_has_a_schema() -> None:
    validator = jsonschema.Draft202012Validator(json_schema.of_shape(declared()))
    assert validator.is_valid(review(5)) and not validator.is_valid(review(6))
    assert all(field.about.endswith(".") for field in declared().fields)


def test_the_diff_of_the_page_applies_and_has_its_line_of_wiring() -> None:
    """What it makes is run by an integration test."""
    patch = "examples/review-posted.diff"
    subprocess.run(["git", "apply", "--check", patch], cwd=ROOT, check=True)
    (line,) = re.findall(r"^REVIEWS: (TopicSpec\(.*\)),$", PAGE, re.MULTILINE)
    assert f"\n+    REVIEWS: {line},\n" in read(patch)
    assert eval(line, {"TopicSpec": TopicSpec}).name == "reviews"


def test_every_rule_that_a_field_has_is_named() -> None:
    rules = {name(field) for shape in every_shape() for field in shape.fields} - {
        "attribute",
        "data",
    }
    listed = {re.split(r"[(.]", text.removeprefix("values."))[0] for text in first_names(PAGE)}
    assert listed == rules
    assert isinstance(values.money("1"), Decimal)


def every_shape() -> list[Shape]:
    found = [*DATA.values(), *ENVELOPES.values()]
    return found + [f.rule.shape for s in found for f in s.fields if isinstance(f.rule, Many)]


def name(field: Field) -> str:
    rule: Any = field.rule
    if isinstance(rule, Shape):
        return "data"
    return getattr(rule, "__name__", type(rule).__name__)
