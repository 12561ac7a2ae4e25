"""The names of the environment variables, and what can be checked without loading `shopstream.settings`.

A command that needs no more than a name or a secret starts several times faster without pydantic.
"""

import difflib
from collections.abc import Iterable, Mapping

PREFIX = "SHOPSTREAM_"
SETTINGS = frozenset(
    {
        *("KAFKA_BOOTSTRAP", "KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM"),
        *("KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD", "KAFKA_SSL_CAFILE"),
        *("KAFKA_SSL_CERTFILE", "KAFKA_SSL_KEYFILE", "KAFKA_PARTITIONS"),
        *("KAFKA_REPLICATION", "KAFKA_SESSION_TIMEOUT", "CLICKHOUSE_URL"),
        *("JWT_SECRET", "JWKS_URL", "TICKET_SECRET", "JWT_ISSUER", "JWT_AUDIENCE", "HOOK_SECRETS"),
        *("CORS_ORIGINS", "RATE_LIMIT", "REPORTS_AT_ONCE", "CONNECTIONS_PER_ADDRESS"),
        *("STREAMS", "STREAMS_PER_ADDRESS", "STREAMS_PER_USER", "STREAM_SECONDS"),
        *("COOKIE_CROSS_SITE", "PUSH_DIRECT", "ACCESS_LOG", "LOG_FORMAT", "HOST", "PORT"),
        *("METRICS_PORT", "AUDIT_SECONDS", "DATA_DIR", "DISK_LOW_MIB", "CACHE_DIR", "JAVA"),
    }
)
"""Of `Settings`, without the prefix."""
OTHERS = frozenset({"BI_PASSWORD", "ENGINE_LOGINS"})
"""Read by one command or process alone."""
OF_TESTS = frozenset({"FULL", "FUZZ_EXAMPLES", "FUZZ_SEED"})
LEAST_SECRET_BYTES = 32


class SettingsError(Exception):
    """The settings are not usable; `str()` lists every fault, one a line, by variable name."""


def secret_fault(secret: str) -> str | None:
    """The rule that the key of a token breaks, None where it is usable."""
    if len(secret.encode()) < LEAST_SECRET_BYTES:
        return f"must have at least {LEAST_SECRET_BYTES} bytes (RFC 7518, section 3.2)"
    return None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable with our prefix that nothing reads, with the nearest name that something reads."""
    known = SETTINGS | OTHERS
    return [
        f"{variable} is not a variable of shopstream and has no effect{_nearest(name, known)}"
        for variable in sorted(environment)
        if variable.startswith(PREFIX)
        and (name := variable.removeprefix(PREFIX)) not in known | OF_TESTS
    ]


def _nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name.upper(), sorted(known), n=1)
    return f"; did you mean {PREFIX}{found[0]}?" if found else ""
