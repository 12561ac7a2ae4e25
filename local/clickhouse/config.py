"""config.xml and users.xml of the engine of `up`. Pure.

Settings: https://clickhouse.com/docs/operations/server-configuration-parameters/settings, users:
https://clickhouse.com/docs/operations/settings/settings-users.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from clickhouse.bi_access import text, views
from local.clickhouse.logins import STOPPER, Login

GIB = 1024**3
START_STATEMENTS = 4
"""Of the local session, which starts the servers."""
LOCAL_DATABASE = "local"
"""clickhouse-local's own, where a table may be the path of a file. Nobody's statements run in it."""
LONGEST_INTERVAL = 2**31 - 1
"""Seconds of a quota; it ends in 2038."""
BI_LIMITS: Mapping[str, int] = {
    "max_memory_usage": GIB,
    "max_memory_usage_for_user": 2 * GIB,
    # clickhouse-go over HTTP asks for 35
    "max_execution_time": 60,
    "max_threads": 2,
    "max_rows_to_read": 500_000_000,
    "max_result_rows": 1_000_000,
    "max_result_bytes": GIB,
    "max_temporary_data_on_disk_size_for_user": 10 * GIB,
    "max_concurrent_queries_for_user": 8,
}
"""Of one statement, or of all that run at once under one login. A login may ask for less, never for more."""
_BI_CHOICES: Mapping[str, str | int] = {
    "readonly": 2,
    # behind the reports
    "os_threads_nice_value_query": 10,
}
_NO_PYTHON: Mapping[str, int] = {"allow_python_table_function": 0}
"""Of everybody. chDB's own table function reads variables of this process, and can end it."""
_COMPRESSION = {"network_compression_method": "LZ4"}
"""JDBC, and clickhouse-driver as most install it, read no other."""
_FILE_SETTINGS = (
    "format_template_row",
    "format_template_resultset",
    "format_schema",
    "format_schema_source",
    "input_format_record_errors_file_path",
    "format_avro_schema_registry_url",
)
"""Each names a file or an address that a format would open, which this mode of ClickHouse leaves to every login."""
_FIXED = {"readonly": ""}


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """`path`: the data; `home`: configuration, files of users, backups; `log`: the server's own log file."""

    path: Path
    home: Path
    log: Path
    port: int
    native_port: int


def config_xml(engine: ServerConfig) -> bytes:
    root = Element("clickhouse")
    _put(
        root,
        {
            "listen_host": "127.0.0.1",
            "http_port": engine.port,
            "tcp_port": engine.native_port,
            "users_config": engine.home / "users.xml",
            "default_database": LOCAL_DATABASE,
            # a clickhouse-client in the browser, with the files of this process
            "enable_webterminal": 0,
            # longer than the pools of clients keep an idle connection
            "keep_alive_timeout": 30,
            "max_server_memory_usage_to_ram_ratio": 0.6,
            "mark_cache_size": GIB // 2,
            "os_threads_nice_value_merge_mutate": 10,
            # of 2 threads one is for each kind of task, with a warning whenever another one waits: 30 a second
            "background_schedule_pool_size": 16,
            "background_streaming_schedule_pool_size": 16,
            # nobody reads them here
            "asynchronous_metrics_update_period_s": 60,
            "memory_worker_period_ms": 500,
            "backups": {"allowed_path": f"{engine.path}/backups/"},
            "log-level": "warning",
            "logger": {"log": engine.log, "size": "10M", "count": 2, "async": "false"},
        },
    )
    return _text(root)


def users_xml(logins: Mapping[str, Login], stopper: Login) -> bytes:
    """Who may log in: `logins`, the process itself, and the local session that starts the servers.

    That session is the user `default` without a password, from any address of this machine. It may start servers
    and nothing else, and its quota is used up by doing so.
    """
    root = Element("clickhouse")
    profiles = SubElement(root, "profiles")
    _profile(profiles, "default", _COMPRESSION, _NO_PYTHON)
    bi = {**_BI_CHOICES, **_COMPRESSION, **BI_LIMITS}
    _profile(profiles, "bi", bi, (*_NO_PYTHON, *_FILE_SETTINGS), BI_LIMITS)
    local = {
        "max_concurrent_queries_for_user": 1,
        "max_block_size": 1,
        "interactive_delay": 10**7,
        "max_memory_usage": GIB // 16,
    }
    _profile(profiles, "local", local, (*local, *_NO_PYTHON, *_FILE_SETTINGS))
    quotas = SubElement(root, "quotas")
    SubElement(quotas, "default")
    interval = {"duration": LONGEST_INTERVAL, "queries": START_STATEMENTS}
    _put(quotas, {"start": {"interval": interval}})
    users = SubElement(root, "users")
    starts = (
        "CREATE DATABASE ON default.*",
        "SYSTEM LISTEN ON *.*",
        "SELECT ON system.numbers",
        "SELECT ON system.one",
    )
    _user(users, "default", "local", starts, quota="start")
    stops = ("KILL QUERY ON *.*", "SELECT ON system.processes")
    user = _user(users, STOPPER, "default", stops, stopper.sha256)
    _put(user, {"default_database": "default"})
    for name, one in logins.items():
        if one.reads:
            user = _user(users, name, "bi", ("SELECT ON shopstream_bi.*",), one.sha256)
            _put(user, {"default_database": "shopstream_bi"})
        else:
            user = _user(users, name, "default", (), one.sha256)
            _put(user, {"default_database": "default", "access_management": 1})
        if one.shop is not None:
            only = {"filter": f"shop_id = {text(one.shop)}"}
            _put(user, {"databases": {"shopstream_bi": dict.fromkeys(views(), only)}})
    return _text(root)


def _profile(
    profiles: Element,
    name: str,
    choices: Mapping[str, object],
    fixed: Iterable[str],
    limits: Mapping[str, int] | None = None,
) -> None:
    constraints = {**dict.fromkeys(fixed, _FIXED), **_constraints(limits or {})}
    values = {**choices, **_NO_PYTHON, "constraints": constraints}
    _put(SubElement(profiles, name), values)


def _constraints(limits: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """0 would be no limit at all."""
    return {name: {"min": 1, "max": value} for name, value in limits.items()}


def _user(
    users: Element,
    name: str,
    profile: str,
    grants: Iterable[str],
    sha256: str | None = None,
    quota: str = "default",
) -> Element:
    user = SubElement(users, name)
    _put(user, {"password": ""} if sha256 is None else {"password_sha256_hex": sha256})
    _put(user, {"networks": {"ip": "127.0.0.1"}, "profile": profile, "quota": quota})
    if grants:
        element = SubElement(user, "grants")
        for grant in grants:
            _put(element, {"query": f"GRANT {grant}"})
    return user


def _put(element: Element, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        child = SubElement(element, name)
        if isinstance(value, Mapping):
            _put(child, value)
        else:
            child.text = str(value)


def _text(root: Element) -> bytes:
    indent(root)
    found: bytes = tostring(root) + b"\n"
    return found
