"""What the command line says of an error, and with which exit code it ends."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from shopstream.settings import SettingsError


@contextmanager
def plain_faults(quiet: bool = True) -> Iterator[None]:
    """Turns the named errors into sentences. `quiet` silences the clients' own log lines."""
    from shopstream.clickhouse.errors import EngineError, EngineUnavailable, MigrationChanged
    from shopstream.kafka import BrokerUnreachable, TopicRefused
    from shopstream.local.faults import LocalFault
    from shopstream.producer import ProducerError

    if quiet:
        logging.getLogger("kafka").setLevel(logging.CRITICAL + 1)
    try:
        yield
    except SettingsError as error:
        _fail(str(error), 2)
    except (BrokerUnreachable, TopicRefused, ProducerError, LocalFault, MigrationChanged) as error:
        _fail(str(error), 1)
    except (EngineUnavailable, EngineError) as error:
        _fail(f"ClickHouse cannot serve: {error}", 1)
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(code)
