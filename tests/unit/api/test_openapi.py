"""/openapi.json is a valid document of OpenAPI 3.1 that leaves no answer out."""

import warnings
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from provider.apps import Counting, application, client


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    with warnings.catch_warnings(action="error"):
        return application(Counting()).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, found in document["paths"].items():
        for method, operation in found.items():
            yield f"{method} {path}", operation


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if "$ref" in part else ())
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from references(one)


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()


def test_a_document_that_is_not_valid_would_be_seen(document: dict[str, Any]) -> None:
    broken = {**document, "paths": {"/x": {"get": {"responses": {"200": {}}}}}}
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict(broken).validate()


def test_each_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names) > 10


def test_whatever_is_referred_to_is_there(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert len(found) > 10
    for reference in found:
        place: Any = document
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]


def test_ready_may_also_say_no(document: dict[str, Any]) -> None:
    answers = document["paths"]["/ready"]["get"]["responses"]
    assert set(answers) == {"200", "503"}
    assert "Retry-After" in answers["503"]["headers"]


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_what_is_asked_with_get_can_be_asked_with_head(path: str) -> None:
    async with client(application(Counting())) as http:
        assert (await http.head(path)).status_code == 200
        refused = await http.post(path)
    assert set(refused.headers["Allow"].split(", ")) == {"GET", "HEAD"}
