"""What the command line says of an error, and with which exit code it ends."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from shopstream.cli.environment import elsewhere
from shopstream.cli.output import OutputFailed, drop_output
from shopstream.faults import Fault
from shopstream.variables import SettingsError


@contextmanager
def plain_faults(quiet: bool = True) -> Iterator[None]:
    """Turns the named errors into sentences. `quiet` silences the clients' own log lines."""
    if quiet:
        logging.getLogger("kafka").setLevel(logging.CRITICAL + 1)
    try:
        yield
    except SettingsError as error:
        _fail(str(error), 2)
    except OutputFailed as error:
        drop_output()
        _fail(str(error), 1)
    except Fault as error:
        _fail(_located(error), 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if _of_clickhouse(error):
            _fail(_located(f"ClickHouse cannot serve: {error}"), 1)
        raise


def _of_clickhouse(error: Exception) -> bool:
    """A command that never asked ClickHouse has not loaded its errors either."""
    errors = sys.modules.get("clickhouse.errors")
    return errors is not None and isinstance(error, errors.EngineUnavailable | errors.EngineError)


def _located(error: Fault | str) -> str:
    """With where the address came from, if it is a default one because no `up` runs here."""
    broker = sys.modules.get("shopstream.broker")
    unreachable = broker is not None and isinstance(error, broker.BrokerUnreachable)
    why = elsewhere() if unreachable or isinstance(error, str) else None
    return f"{error} {why}" if why else str(error)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(code)
