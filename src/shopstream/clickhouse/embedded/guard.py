"""What a read-only login may say, judged on the engine's own syntax tree.

`readonly = 1` in the engine refuses writes, DDL and most table functions, but in chDB it lets
through the scalar function file(), DESCRIBE of a table function, and paths as table names of the
database `default`, which overlays the working directory.
"""

import re
from collections.abc import Mapping

from .engine import READ_CLASS, Handle
from .errors import readonly_error
from .statement import Statement

_TABLE_FUNCTIONS = """
    format fuzzjson fuzzquery generaterandom generateseries generate_series merge null numbers
    numbers_mt primes sqlstandardvalues values view viewexplain viewifpermitted zeros zeros_mt
"""
_HARMLESS = frozenset(_TABLE_FUNCTIONS.split())
_SCALAR_FUNCTIONS = "file catboostevaluate getclienthttpheader hascolumnintable reversednsquery"
_ALSO_REFUSED = frozenset(_SCALAR_FUNCTIONS.split())
_FUNCTION = re.compile(r"\bFunction ([^\s(]+)")
# a function may be given to another by its name: arrayMap(file, paths)
_NAME = re.compile(r"\bIdentifier (?:\S*\.)?(\w+)")
# the tree does not show what is applied
_APPLY = "ApplyTransformer"
_PATH = re.compile(r"\bIdentifier (?:\S*?[.])?(?:/|\.\./|\S*/\.\./)|\bTableIdentifier \S*/")
_DATA_ONLY = re.compile(
    r"(?:TabSeparated|TSV|CSV|RowBinary)(?:Raw)?(?:WithNames(?:AndTypes)?)?|Native|Arrow(?:Stream)?|Parquet|ORC"
    r"|JSON(?:Compact)?EachRow|NDJSON|JSONLines",
    re.I,
)
_ALLOWED_CONTROL = ("SET", "USE")
_REFUSED_SETTING = re.compile(
    r"readonly|allow_ddl|allow_introspection_functions|additional_.*|format_(?:schema|template).*"
    r"|parallel_replicas_custom_key.*|.*_(?:path|url|uri)"
)
# other values could be expressions or paths, which the engine would evaluate or open
_PLAIN_VALUE = re.compile(r"[\w.+-]*")
_SET = re.compile(r"\s*SET\s+(.+?)\s*;?\s*", re.I | re.S)
_SET_ONE = re.compile(r"(\w+)\s*=\s*(?:'([^'\\]*)'|([\w.+-]+))", re.S)


def check_class(user: str, word: str, kind: str) -> None:
    """Raises:
    ServerError: 164 unless the statement reads, or is SET or USE.
    """
    if kind in (READ_CLASS, "UNKNOWN") or word in _ALLOWED_CONTROL:
        return
    raise readonly_error(
        f"{user}: Cannot execute query in readonly mode. For queries over HTTP, method GET implies"
        " readonly. You should use method POST for modifying queries"
    )


def check_statement(
    handle: Handle,
    statement: Statement,
    params: Mapping[str, str],
    table_functions: frozenset[str],
) -> None:
    """Judges any statement of a read-only login. Raises as the checks below."""
    if statement.word == "SET":
        check_set(statement.sql)
    elif statement.word != "USE":
        check_reach(handle, statement.sql, params, table_functions)


def check_reach(
    handle: Handle, sql: str, params: Mapping[str, str], table_functions: frozenset[str]
) -> None:
    """Refuses what reaches beyond the tables: files, addresses, programs, this process's memory.

    Raises:
        ServerError: 164; or the engine's own error for a statement that does not parse.
    """
    tree = (handle.query("EXPLAIN AST " + sql, "TSVRaw", params).bytes() or b"").decode()
    for name in _FUNCTION.findall(tree):
        lower = name.lower()
        if (lower in table_functions and lower not in _HARMLESS) or _reaches(name):
            raise readonly_error(f"Function {name} is not allowed for a read-only login")
    for name in filter(_reaches, _NAME.findall(tree)):
        raise readonly_error(f"The name {name} is not allowed for a read-only login")
    if _APPLY in tree:
        raise readonly_error("APPLY is not allowed for a read-only login")
    if not tree.strip() or _PATH.search(tree):
        raise readonly_error("Files are not allowed for a read-only login")


def _reaches(name: str) -> bool:
    return name.lower() in _ALSO_REFUSED or re.match(r"ai[A-Z]|AI[A-Z]", name) is not None


def check_external(form: str) -> None:
    """Refuses a format of external data whose values could be expressions: the engine evaluates them.

    Raises:
        ServerError: 164.
    """
    if not _DATA_ONLY.fullmatch(form):
        raise readonly_error(f"External data as {form} is not allowed for a read-only login")


def check_settings(settings: Mapping[str, str]) -> None:
    """Raises:
    ServerError: 164 for a setting that would widen the login's rights or reach.
    """
    for name, value in settings.items():
        zone = name == "session_timezone"
        if _REFUSED_SETTING.fullmatch(name) or not (zone or _PLAIN_VALUE.fullmatch(value)):
            raise readonly_error(f"Cannot modify '{name}' setting in readonly mode")


def check_set(sql: str) -> None:
    """The same for a SET statement, which must be of names and plain values."""
    found = _SET.fullmatch(sql)
    parts = [_SET_ONE.fullmatch(part.strip()) for part in found[1].split(",")] if found else [None]
    settings = {part[1]: part[2] or part[3] or "" for part in parts if part}
    if None in parts:
        raise readonly_error("Cannot modify these settings in readonly mode")
    check_settings(settings)
