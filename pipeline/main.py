"""The process `shopstream pipeline`."""

import asyncio
import logging
import sys
from typing import Any

import faust

from clickhouse.sql import load_all
from pipeline.worker import Worker
from shopstream.limits import raise_open_files
from shopstream.settings import Settings


def run(settings: Settings) -> int:
    """Runs one worker until SIGTERM or SIGINT; the exit code is 0 then, and 1 after a fault.

    Raises:
        SettingsError: the port of the metrics cannot be used.
    """
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("kafka").setLevel(
        logging.CRITICAL
    )  # its errors are raised, and logged where they are caught
    for talkative in ("aiokafka", "faust", "mode", "pipeline.transport"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    raise_open_files()
    load_all()
    loop = _event_loop()
    asyncio.set_event_loop(loop)
    worker = Worker(settings)
    app = worker.wire()
    try:
        loop.run_until_complete(worker.open())
        faust.Worker(
            app,
            loop=loop,
            loglevel="WARNING",
            override_logging=False,
            redirect_stdouts=False,
            quiet=True,
        ).execute_from_commandline()
    except KeyboardInterrupt:
        return 0
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


def _event_loop() -> Any:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
