"""JSON Schemas (draft 2020-12) of the events, made from their shapes. Pure.

They use only what draft 7 has too, and regular expressions that every dialect reads alike, so that any
validator can take them.
"""

from collections.abc import Mapping

from shopstream.contracts import values
from shopstream.contracts.currencies import CURRENCIES
from shopstream.contracts.events import DATA, ENVELOPES
from shopstream.contracts.order import MAX_WORDS, MAY_COUNT, STATUSES, counted_statuses, status_map
from shopstream.contracts.schema import Field, Many, Rule, Shape
from shopstream.contracts.schema_parts import Schema, described, record
from shopstream.contracts.system_events import SYSTEM

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"
MONEY_TEXT = r"^0*[0-9]{1,12}(\.[0-9]{1,4}0*)?$"
QUANTITY_TEXT = r"^0*[0-9]{1,10}(\.[0-9]{1,4}0*)?$"
TIME = (
    r"^(1999-12-31|(20[0-9]{2}|2100)-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])|2101-01-01)"
    r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""Its first and last day are there for offsets that bring them into the years 2000 to 2100."""
TIMEZONE = r"^([A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*|(UTC|GMT)?[+-][0-9]{1,2}:(00|15|30|45))$"
CURRENCY = f"^({'|'.join(sorted(CURRENCIES))})$"
"""A pattern, not an enum: code made from a schema keeps a text, and reads a code of a later amendment too."""

DECIMALS = "A number has at most 4 decimals too; trailing zeros do not count."


def _number_or_text(low: Schema, limit: int, pattern: str) -> Schema:
    number = {"type": "number", **low, "exclusiveMaximum": limit}
    return {"anyOf": [number, {"type": "string", "pattern": pattern}]}


def _signed(pattern: str) -> str:
    return f"^-?{pattern.removeprefix('^')}"


_CHECKS: Mapping[object, tuple[Schema, str]] = {
    values.text: ({"type": "string"}, ""),
    values.flag: ({"type": "boolean"}, ""),
    values.attribute: ({"type": "string", "minLength": 1, "pattern": NO_CONTROL}, ""),
    values.identifier: (
        {
            "type": "string",
            "minLength": 1,
            "maxLength": values.IDENTIFIER_LENGTH,
            "pattern": NO_CONTROL,
        },
        "",
    ),
    values.money: (
        _number_or_text({"minimum": 0}, int(values.MONEY_LIMIT), MONEY_TEXT),
        DECIMALS,
    ),
    values.amount: (
        _number_or_text(
            {"exclusiveMinimum": -int(values.MONEY_LIMIT)},
            int(values.MONEY_LIMIT),
            _signed(MONEY_TEXT),
        ),
        DECIMALS,
    ),
    values.currency: (
        {"type": "string", "pattern": CURRENCY},
        "ISO 4217, present or withdrawn since 1999.",
    ),
    values.time: (
        {"type": "string", "format": "date-time", "pattern": TIME},
        "RFC 3339; in UTC it is in the years 2000 to 2100. What is finer than a microsecond is cut.",
    ),
    status_map: (
        {
            "type": "object",
            "maxProperties": MAX_WORDS,
            "propertyNames": {
                "minLength": 1,
                "maxLength": values.IDENTIFIER_LENGTH,
                "pattern": NO_CONTROL,
                "not": {"enum": list(STATUSES)},
            },
            "additionalProperties": {"type": "string", "enum": list(STATUSES)},
        },
        "",
    ),
    counted_statuses: (
        {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "enum": list(MAY_COUNT)},
        },
        "",
    ),
    values.timezone: (
        {"type": "string", "pattern": TIMEZONE},
        "A name of the IANA time zone database, or an offset from UTC in quarter hours from -12:00 to +14:00, such as"
        " +05:30 or UTC+5:30.",
    ),
}
"""What a rule says as a schema, and in words what the schema cannot say."""


def of_event(kind: str) -> Schema:
    """The schema of a whole event, of any type that shops or the system write."""
    head = {
        "$schema": DIALECT,
        "$id": f"urn:shopstream:event:{kind.replace(':', '.')}",
        "title": kind,
    }
    return {**head, **(_shop_event(kind) if kind in DATA else SYSTEM[kind].schema(kind))}


def _shop_event(kind: str) -> Schema:
    shape = of_shape(ENVELOPES[kind])
    fixed = {"specversion": {"const": "1.0"}, "type": {"const": kind}}
    return {
        **shape,
        "properties": {**fixed, **shape["properties"]},
        "required": [*fixed, *shape["required"]],
    }


def of_shape(shape: Shape) -> Schema:
    """An object. What is not required may be null; other members are ignored."""
    properties = {field.name: of_field(field) for field in shape.fields}
    optional = tuple(field.name for field in shape.fields if not field.required)
    return record(shape.about, properties, optional)


def of_field(field: Field) -> Schema:
    """One member with its description."""
    schema, note = _of_rule(field.rule)
    if not field.required:
        schema = _or_null(schema)
    if field.default is not None:
        schema = {**schema, "default": field.default}
    return described(" ".join(filter(None, (field.about, note))), schema)


def _of_rule(rule: Rule) -> tuple[Schema, str]:
    if isinstance(rule, Shape):
        return of_shape(rule), ""
    if isinstance(rule, Many):
        many = {"minItems": rule.low, "maxItems": rule.high, "items": of_shape(rule.shape)}
        return {"type": "array", **many}, ""
    if isinstance(rule, values.OneOf):
        return {"type": "string", "enum": list(rule.options)}, ""
    if isinstance(rule, values.Whole):
        whole = {"type": "integer", "minimum": rule.low, "maximum": rule.high}
        return whole, "Written without fraction or exponent."
    if isinstance(rule, values.Quantity):
        return _quantity(rule), DECIMALS
    return _CHECKS[rule]


def _quantity(rule: values.Quantity) -> Schema:
    limit = values.QUANTITY_LIMIT
    if rule.signed:
        return _number_or_text({"exclusiveMinimum": -limit}, limit, _signed(QUANTITY_TEXT))
    low: Schema = {"minimum": 0} if rule.zero else {"exclusiveMinimum": 0}
    return _number_or_text(low, limit, QUANTITY_TEXT)


def _or_null(schema: Schema) -> Schema:
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    options = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **options}
