"""The OpenAPI document beside bodies: each has what is promised, and nothing that is not named."""

import copy
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from provider.apps import Counting, application

DOCUMENT: dict[str, Any] = application(Counting()).openapi()


def check(path: str, body: dict[str, Any]) -> None:
    """The body of a 200."""
    faults = [f"{fault.json_path}: {fault.message}" for fault in _of(path).iter_errors(body)]
    assert not faults, f"{path}: {faults[:5]}"


@cache
def _of(path: str) -> Draft202012Validator:
    """The schema of an answer; objects take no other fields."""
    answer = DOCUMENT["paths"][path]["get"]["responses"]["200"]
    components = copy.deepcopy(DOCUMENT["components"])
    for schema in components["schemas"].values():
        schema["additionalProperties"] = False
    schema = answer["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": components})
