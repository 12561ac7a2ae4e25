"""The OpenAPI document: what the routes say of themselves, and what holds for all of them."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from api import trace
from api.documents import CloudEvent, ProblemDetails, problem

_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "ticket": {"type": "apiKey", "in": "query", "name": "ticket"},
}
_PROBLEMS = {
    "429": "The token asks more often than it may; Retry-After says when",
    "503": "A dependency does not answer; Retry-After says when to ask again",
}
_REQUEST_ID = {
    "description": "That of the request, or one made for it",
    "schema": {"type": "string"},
}


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once, with what the routes refer to."""
    if app.openapi_schema is None:
        found = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        components = found.setdefault("components", {})
        components["securitySchemes"] = _SCHEMES
        schemas = components.setdefault("schemas", {})
        for model in (ProblemDetails, CloudEvent):
            schemas |= _schemas(model)
        schemas["ProblemDetails"]["properties"].setdefault("requestId", {"type": "string"})
        for operations in found["paths"].values():
            for operation in operations.values():
                _complete(operation)
        app.openapi_schema = found
    return app.openapi_schema


def _complete(operation: dict[str, Any]) -> None:
    """Adds the answers that a route behind a token does not know of, and the id of every one."""
    answers = operation["responses"]
    if "security" in operation:
        for status, description in _PROBLEMS.items():
            answers.setdefault(status, problem(description))
    for answer in answers.values():
        answer["headers"] = {**answer.get("headers", {}), trace.HEADER: _REQUEST_ID}


def _schemas(model: type[BaseModel]) -> dict[str, Any]:
    """Of a model, and of those in it."""
    found = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**found.pop("$defs", {}), model.__name__: found}
