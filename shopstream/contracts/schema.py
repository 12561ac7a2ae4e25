"""Reads an object field by field by a declared shape, and names every field that breaks a rule.

A missing field is told before a bad value. Of several missing fields the one of the outermost object is
told first, in declared order; of several bad values the first in the document.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shopstream.contracts.reject import Reason, Refusal, Refused
from shopstream.contracts.values import Check, Invalid

Document = Mapping[str, Any]
Relation = Callable[[Any, Document], None]


@dataclass(frozen=True, slots=True)
class Field:
    """One member. An absent or null optional one becomes `default`.

    `relation` is given the checked value and its raw siblings, and raises `Invalid`.
    `about` is a sentence for people; `example` a value that keeps the rule, where any would not do.
    """

    name: str
    rule: "Rule"
    about: str = ""
    required: bool = False
    relation: Relation | None = None
    default: Any = None
    example: Any = None


@dataclass(frozen=True, slots=True)
class Shape:
    """An object with these members; others are ignored. `about` is a sentence for people.

    `latest_by`: the member whose greatest value decides which version of the thing stands.
    """

    fields: tuple[Field, ...]
    about: str = ""
    latest_by: str | None = None
    by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)
    nested: Mapping[str, "Shape | Many"] = field(init=False, repr=False, compare=False)
    needed: tuple[str, ...] = field(init=False, repr=False, compare=False)
    defaults: Mapping[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rules = {one.name: one.rule for one in self.fields}
        deep = {name: rule for name, rule in rules.items() if isinstance(rule, (Shape, Many))}
        object.__setattr__(self, "by_name", {one.name: one for one in self.fields})
        object.__setattr__(self, "nested", deep)
        object.__setattr__(self, "needed", tuple(one.name for one in self.fields if one.required))
        object.__setattr__(self, "defaults", {one.name: one.default for one in self.fields})


@dataclass(frozen=True, slots=True)
class Many:
    """A list of objects."""

    shape: Shape
    low: int
    high: int


Rule = Check | Shape | Many


def read(shape: Shape, document: Document, path: str = "") -> dict[str, Any]:
    """The typed members by name; an absent or null optional one is its default.

    Raises:
        Refused: `missing_field` or `bad_value` with the path of the first fault, and all of them in the message.
    """
    found, faults = read_all(shape, document, path)
    if faults:
        raise Refused.of(faults)
    return found


def read_all(
    shape: Shape, document: Document, path: str = ""
) -> tuple[dict[str, Any], list[Refusal]]:
    """The same with all faults in their order; a member that breaks its rule is left at its default."""
    missing = list(_missing(shape, document, path))
    faults: list[Refusal] = []
    found = _Reader(faults, incomplete=bool(missing)).read(shape, document, path)
    return found, missing + faults


def join(path: str, name: str) -> str:
    """The path of a member of the object at `path`."""
    return f"{path}.{name}" if path else name


def _missing(shape: Shape, document: Document, path: str) -> Iterator[Refusal]:
    for needed in shape.needed:
        if document.get(needed) is None:
            where = join(path, needed)
            yield Refusal(Reason.MISSING_FIELD, where, f"{where} is required")
    if not shape.nested:
        return
    for name, value in document.items():
        rule = shape.nested.get(name)
        if isinstance(rule, Shape) and isinstance(value, dict):
            yield from _missing(rule, value, join(path, name))
        elif isinstance(rule, Many) and isinstance(value, list):
            for i, element in enumerate(value):
                if isinstance(element, dict):
                    yield from _missing(rule.shape, element, f"{join(path, name)}[{i}]")


class _Reader:
    """Collects bad values in `faults`; `incomplete`: something required is missing somewhere."""

    def __init__(self, faults: list[Refusal], incomplete: bool) -> None:
        self._faults = faults
        self._incomplete = incomplete

    def read(self, shape: Shape, document: Document, path: str) -> dict[str, Any]:
        found = dict(shape.defaults)
        for name, value in document.items():
            one = shape.by_name.get(name)
            if one is None or value is None:
                continue
            before = len(self._faults)
            try:
                deep = shape.nested.get(name)
                read = self._nested(deep, value, join(path, name)) if deep else one.rule(value)  # type: ignore[operator]
                if len(self._faults) == before:
                    if one.relation and self._related(shape, document, one):
                        one.relation(read, document)
                    found[name] = read
            except Invalid as error:
                self._fault(join(path, name) + error.at, str(error))
        return found

    def _related(self, shape: Shape, document: Document, one: Field) -> bool:
        """A relation is asked only of members that are there."""
        if not self._incomplete:
            return True
        return not isinstance(one.rule, Many) and all(
            document.get(needed) is not None for needed in shape.needed
        )

    def _nested(self, rule: Shape | Many, value: Any, where: str) -> Any:
        if isinstance(rule, Many):
            return self._many(rule, value, where)
        if not isinstance(value, dict):
            raise Invalid("must be an object")
        return self.read(rule, value, where)

    def _many(self, rule: Many, value: Any, where: str) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not rule.low <= len(value) <= rule.high:
            raise Invalid(f"must be a list of {rule.low} to {rule.high} objects")
        found = []
        for i, element in enumerate(value):
            place = f"{where}[{i}]"
            if isinstance(element, dict):
                found.append(self.read(rule.shape, element, place))
            else:
                self._fault(place, "must be an object")
        return found

    def _fault(self, where: str, rule: str) -> None:
        self._faults.append(Refusal(Reason.BAD_VALUE, where, f"{where} {rule}"))
