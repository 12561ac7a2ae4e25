"""Query parameters: declared once, read strictly, and shown in the OpenAPI document."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import QueryParams

from api.faults import BadParameter


@dataclass(frozen=True, slots=True)
class Parameter:
    """`read` returns the typed value of a text, or raises `ValueError` with the rule (`must be …`); `default` is the
    value where it is absent."""

    name: str
    description: str
    read: Callable[[str], Any] = str
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})
    example: Any = None
    default: Any = None

    def openapi(self) -> dict[str, Any]:
        """As OpenAPI 3.1 describes it."""
        found = {
            "name": self.name,
            "in": "query",
            "required": False,
            "description": self.description,
            "schema": self.schema,
        }
        return found if self.example is None else {**found, "example": self.example}


SHOP = Parameter(
    "shopId", "A shop that the token allows; may be left out where the token names exactly one."
)


def read_query(query: QueryParams, declared: Sequence[Parameter]) -> dict[str, Any]:
    """The value of each declared parameter by name; its default where it is absent.

    Raises:
        BadParameter: for a name that is not declared or stands twice, or a value that breaks its rule.
    """
    known = {parameter.name: parameter for parameter in declared}
    found = {parameter.name: parameter.default for parameter in declared}
    seen = set()
    for name, text in query.multi_items():
        if name not in known:
            there_are = ", ".join(known) or "none"
            raise BadParameter(name[:64], f"is not a parameter here; there are: {there_are}")
        if name in seen:
            raise BadParameter(name, "must stand once")
        seen.add(name)
        found[name] = _value(known[name], text)
    return found


def _value(parameter: Parameter, text: str) -> Any:
    try:
        return parameter.read(text)
    except ValueError as error:
        raise BadParameter(parameter.name, str(error)) from None


def openapi(declared: Sequence[Parameter], *, ticket: bool = False) -> dict[str, Any]:
    """What a route with these parameters adds to its OpenAPI operation."""
    schemes: list[dict[str, list[str]]] = [{"bearer": []}]
    if ticket:
        schemes.append({"ticket": []})
    return {"parameters": [one.openapi() for one in declared], "security": schemes}
