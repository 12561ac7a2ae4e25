"""One HTTP request as the engine's side sees it."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from .errors import ServerError
from .logins import Login

# names the HTTP handler reads itself; any other in the URL is a setting
# (ClickHouse src/Server/HTTPHandler.cpp)
_HANDLER_NAMES = """
    query database default_format user password session_id session_timeout session_check
    close_session query_id compress decompress quota_key role client_protocol_version
    wait_end_of_query buffer_size send_progress_in_http_headers
    http_headers_progress_interval_ms enable_http_compression http_zlib_compression_level
    stacktrace add_http_cors_header log_comment
"""
HANDLER_NAMES = frozenset(_HANDLER_NAMES.split())
_EXTERNAL = ("_structure", "_types", "_format")


@dataclass(frozen=True, slots=True)
class Call:
    """`params` are the URL's, with the form's fields; `files` the form's; `body` the statement's
    rest, in pieces as they came. `read_only_method` says that it came by GET or HEAD.
    """

    login: Login
    params: Mapping[str, str]
    body: Sequence[bytes] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    read_only_method: bool = False
    accept_encoding: bytes = b""

    @property
    def query_id(self) -> str:
        return self.params.get("query_id") or str(uuid.uuid4())

    def flag(self, name: str) -> bool:
        """Whether a parameter is 1."""
        return self.params.get(name) == "1"

    def bound(self) -> dict[str, str]:
        """The values of `{name:Type}`, from `param_name`."""
        return {k[6:]: v for k, v in self.params.items() if k.startswith("param_")}

    def settings(self) -> dict[str, str]:
        """What the URL sets for this statement.

        Raises:
            ServerError: 115 for what cannot be a setting's name.
        """
        found = {k: v for k, v in self.params.items() if self._is_setting(k)}
        for name in found:
            if not name.isidentifier() or not name.isascii():
                raise ServerError(115, "UNKNOWN_SETTING", f"Unknown setting '{name}'")
        return found

    def _is_setting(self, name: str) -> bool:
        if name in HANDLER_NAMES or name.startswith("param_"):
            return False
        return not any(name.startswith(f) and name[len(f) :] in _EXTERNAL for f in self.files)


def url_params(query_string: bytes) -> dict[str, str]:
    """The URL's parameters; the last of a repeated name holds."""
    return dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True))


def lower_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name, as ASGI gives them in lower case."""
    return dict(pairs)
