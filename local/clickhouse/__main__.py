"""`python -m local.clickhouse --path DIR`: the engine of `up`.

Logins come from the environment variable `SHOPSTREAM_ENGINE_LOGINS`, see `logins.py`.
"""

import argparse
import os
import sys
from pathlib import Path

from local.clickhouse.config import ServerConfig
from local.clickhouse.logins import LoginsError, parse
from local.clickhouse.server import CannotStart, serve

LOGINS = "SHOPSTREAM_ENGINE_LOGINS"


def main() -> int:
    """1 with one sentence on standard error where it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m local.clickhouse")
    parser.add_argument("--path", type=Path, required=True, help="data directory")
    parser.add_argument("--port", type=int, default=8123, help="of the HTTP interface")
    parser.add_argument("--native-port", type=int, default=9000, help="of the native protocol")
    parser.add_argument(
        "--log", type=Path, help="file of warnings and errors; in the data directory without it"
    )
    options = parser.parse_args()
    path = options.path.absolute()
    log = (options.log or path / "clickhouse.log").absolute()
    engine = ServerConfig(path, path / "server", log, options.port, options.native_port)
    try:
        return serve(engine, parse(os.environ.pop(LOGINS, "{}")))
    except (CannotStart, LoginsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
